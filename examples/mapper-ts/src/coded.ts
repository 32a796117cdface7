/** An error that the host can tell apart by its code. */
export class Coded extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/** Lets only the errors pass that have a code; anything else is a mistake in this mapper. */
export function coded(error: unknown): Coded {
  if (error instanceof Coded) return error;
  throw error;
}
