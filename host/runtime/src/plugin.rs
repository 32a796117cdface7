//! Calls a plugin: a fresh store for each call, limited on every side, and the answer checked.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use partneros_domain::plan::{Plan, Problem, Transformed};
use partneros_domain::{Column, Description, ObjectSchema, Suggestion};
use wasmtime::component::Instance;
use wasmtime::{Error, PoolConcurrencyLimitError, Store, Trap, UpdateDeadline, WasmBacktrace};
use wasmtime_wasi::I32Exit;

use crate::call::{CallError, CallFailure, Called, Function, Usage};
use crate::output::{self, InvalidOutput};
use crate::pace::{Pace, Turn};
use crate::plan::PreparedPlan;
use crate::runtime::{Loaded, Shared};
use crate::wasi::GuestState;
use crate::world::World;
use partneros_domain::Digest;

/// A loaded component. Cheap to clone; any number of threads may call it at once.
#[derive(Clone)]
pub struct Plugin {
    shared: Arc<Shared>,
    loaded: Arc<Loaded>,
}

impl Plugin {
    pub(crate) fn new(shared: Arc<Shared>, loaded: Arc<Loaded>) -> Self {
        Self { shared, loaded }
    }

    /// The sha256 of the component.
    pub fn digest(&self) -> &Digest {
        &self.loaded.digest
    }

    /// What the component offers.
    pub fn world(&self) -> World {
        self.loaded.world
    }

    /// The version of the WIT contract it implements, such as `0.1.0`.
    pub fn contract(&self) -> &'static str {
        self.loaded.version.as_str()
    }

    /// How long it took to compile; none when the code was at hand.
    pub fn compile_time(&self) -> Option<Duration> {
        self.loaded.compile_time
    }

    /// Size of the machine code.
    pub fn compiled_bytes(&self) -> usize {
        let image = self.loaded.pre.component().image_range();
        image.end.addr().saturating_sub(image.start.addr())
    }

    /// Asks the plugin who it is.
    pub fn describe(&self) -> Result<Called<Description>, CallError> {
        let limits = &self.shared.config.call;
        self.call(
            Function::Describe,
            |store, instance| Ok(Ok(self.loaded.exports.describe(store, instance)?)),
            |description| output::description(description, limits),
        )
    }

    /// Asks which HubSpot property may hold which field.
    pub fn suggest(
        &self,
        partneros: &ObjectSchema,
        hubspot: &ObjectSchema,
    ) -> Result<Called<Vec<Suggestion>>, CallError> {
        self.require(Function::Suggest, self.world().suggests())?;
        let limits = &self.shared.config.call;
        let exports = &self.loaded.exports;
        self.call(
            Function::Suggest,
            |store, instance| exports.suggest(store, instance, partneros, hubspot),
            |suggestions| output::suggestions(suggestions, partneros, hubspot, limits),
        )
    }

    /// Asks what is wrong with a plan; nothing when the plugin can carry it out.
    pub fn check(&self, plan: &PreparedPlan) -> Result<Called<Vec<Problem>>, CallError> {
        self.require(Function::Check, self.world().transforms())?;
        let limits = &self.shared.config.call;
        self.require_columns(Function::Check, plan.plan())?;
        let exports = &self.loaded.exports;
        self.call(
            Function::Check,
            |store, instance| Ok(Ok(exports.check(store, instance, plan)?)),
            |problems| output::problems(problems, plan.plan(), limits),
        )
    }

    /// Transforms a batch: one column for each of the plan's inputs, all of the same length.
    ///
    /// The answer has one column for each output, of the kind that its type names and as long as the
    /// batch; the values in it are unchecked.
    pub fn transform(
        &self,
        plan: &PreparedPlan,
        batch: Vec<Column>,
    ) -> Result<Called<Transformed>, CallError> {
        self.require(Function::Transform, self.world().transforms())?;
        self.require_columns(Function::Transform, plan.plan())?;
        let limits = &self.shared.config.call;
        let rows = rows(plan.plan(), &batch, limits.rows_max)
            .map_err(|problem| self.unasked(Function::Transform, invalid_input(problem)))?;
        let exports = &self.loaded.exports;
        self.call(
            Function::Transform,
            |store, instance| exports.transform(store, instance, plan, batch),
            |transformed| output::transformed(transformed, plan.plan(), rows, limits),
        )
    }

    fn require(&self, function: Function, exported: bool) -> Result<(), CallError> {
        if exported {
            return Ok(());
        }
        let reason = format!("its world `{}` lacks the function", self.world());
        Err(self.unasked(function, CallFailure::Incompatible { reason }))
    }

    fn require_columns(&self, function: Function, plan: &Plan) -> Result<(), CallError> {
        let columns_max = self.shared.config.call.columns_max;
        if plan.inputs.len().max(plan.outputs.len()) <= columns_max {
            return Ok(());
        }
        let problem = format!(
            "the plan has {} inputs and {} outputs, more than `columns_max` = {columns_max}",
            plan.inputs.len(),
            plan.outputs.len()
        );
        Err(self.unasked(function, invalid_input(problem)))
    }

    /// The error of a call that was not made.
    fn unasked(&self, function: Function, failure: CallFailure) -> CallError {
        self.error(function, Usage::default(), failure)
    }

    fn error(&self, function: Function, usage: Usage, failure: CallFailure) -> CallError {
        CallError {
            plugin: self.loaded.digest,
            function,
            usage: Box::new(usage),
            failure,
        }
    }

    fn call<T>(
        &self,
        function: Function,
        run: impl FnOnce(&mut Store<GuestState>, &Instance) -> wasmtime::Result<Result<T, String>>,
        check: impl FnOnce(T) -> Result<T, InvalidOutput>,
    ) -> Result<Called<T>, CallError> {
        let outcome = self.attempt(function, run, check);
        let (usage, outcome_name) = match &outcome {
            Ok(called) => (&called.usage, "ok"),
            Err(error) => (&*error.usage, error.failure.as_str()),
        };
        let function = ("function", function.as_str());
        let duration = usage.duration;
        metrics::histogram!("partneros_plugin_call_duration_seconds", &[function]).record(duration);
        let labels = [function, ("outcome", outcome_name)];
        metrics::counter!("partneros_plugin_calls_total", &labels).increment(1);
        outcome
    }

    fn attempt<T>(
        &self,
        function: Function,
        run: impl FnOnce(&mut Store<GuestState>, &Instance) -> wasmtime::Result<Result<T, String>>,
        check: impl FnOnce(T) -> Result<T, InvalidOutput>,
    ) -> Result<Called<T>, CallError> {
        let config = &self.shared.config;
        let call_time = Duration::from_millis(config.call.call_time_ms);
        // Before a slot is taken, so that waiting for a turn keeps nobody else from one.
        let misbehaved = self.loaded.misbehaved.load(Ordering::Relaxed);
        let turn = misbehaved.then(|| self.shared.turns.take());
        let started = Instant::now();
        let Some(_slot) = self.shared.slots.take(call_time) else {
            return Err(self.unasked(function, self.busy()));
        };
        let mut store = self.store(call_time, turn);
        let outcome = match self.loaded.pre.instantiate(&mut store) {
            Ok(instance) => run(&mut store, &instance).map_err(|error| self.ended(&error, &store)),
            Err(error) => Err(self.not_instantiated(&error, &store)),
        };
        let usage = self.usage(&store, started);
        let failure = match outcome {
            Ok(Ok(value)) => match check(value) {
                Ok(value) => {
                    self.loaded.misbehaved.store(false, Ordering::Relaxed);
                    return Ok(Called { value, usage });
                }
                Err(invalid) => CallFailure::InvalidOutput(invalid),
            },
            Ok(Err(mut message)) => {
                output::cut(&mut message, config.call.message_bytes_max);
                CallFailure::Declined { message }
            }
            Err(failure) => failure,
        };
        // A mapper that declines has answered.
        let misbehaved = !matches!(failure, CallFailure::Declined { .. });
        self.loaded.misbehaved.store(misbehaved, Ordering::Relaxed);
        Err(self.error(function, usage, failure))
    }

    fn store(&self, call_time: Duration, turn: Option<Turn>) -> Store<GuestState> {
        let limits = &self.shared.config.call;
        let ticks_max = self.shared.clock.ticks(call_time);
        let pace = Pace::new(&self.shared.turns, turn, ticks_max);
        let ticks = pace.first_ticks();
        let mut store = Store::new(&self.shared.engine, GuestState::new(limits, pace));
        store.limiter(|state| &mut state.meter);
        store.set_epoch_deadline(ticks);
        let mut ran = ticks;
        store.epoch_deadline_callback(move |mut store| {
            let goes_on = store.data_mut().pace.go_on(std::mem::replace(&mut ran, 1));
            Ok(if goes_on {
                UpdateDeadline::Continue(1)
            } else {
                UpdateDeadline::Interrupt
            })
        });
        store.set_hostcall_fuel(limits.returned_bytes_max);
        store.set_max_component_handles(limits.handles_max);
        if let Some(fuel_max) = limits.fuel_max {
            // Fails only when the engine does not meter, and `fuel_max` decides that too.
            let metered = store.set_fuel(fuel_max);
            debug_assert!(metered.is_ok(), "the engine meters fuel");
        }
        store
    }

    fn usage(&self, store: &Store<GuestState>, started: Instant) -> Usage {
        let fuel = match (self.shared.config.call.fuel_max, store.get_fuel()) {
            (Some(fuel_max), Ok(left)) => fuel_max.saturating_sub(left),
            _ => 0,
        };
        Usage {
            fuel,
            memory_bytes_peak: store.data().meter.bytes_peak(),
            duration: started.elapsed().saturating_sub(store.data().pace.waited()),
            log_tail: store.data().log_tail(),
        }
    }

    fn busy(&self) -> CallFailure {
        let calls_max = self.shared.config.calls_max;
        CallFailure::Busy { calls_max }
    }

    fn not_instantiated(&self, error: &Error, store: &Store<GuestState>) -> CallFailure {
        // A trap may precede any code, such as data past the end of a memory; a host function that a start
        // function calls fails with an error of its own, below the frames it was called from.
        let at_fault = error.is::<Trap>()
            || error.is::<I32Exit>()
            || error.is::<WasmBacktrace>()
            || store.data().meter.refused();
        if at_fault {
            self.ended(error, store)
        } else if error.is::<PoolConcurrencyLimitError>() {
            self.busy()
        } else {
            let reason = error.root_cause().to_string();
            CallFailure::Incompatible { reason }
        }
    }

    /// Why a guest that was entered did not return.
    fn ended(&self, error: &Error, store: &Store<GuestState>) -> CallFailure {
        let limits = &self.shared.config.call;
        let trap = error.downcast_ref::<Trap>();
        let reason = match trap {
            Some(Trap::OutOfFuel) => {
                let fuel_max = limits.fuel_max.unwrap_or_default();
                return CallFailure::OutOfFuel { fuel_max };
            }
            Some(Trap::Interrupt) => {
                let call_time_ms = limits.call_time_ms;
                return CallFailure::OutOfTime { call_time_ms };
            }
            _ if store.data().meter.refused() => {
                let memory_bytes_max = limits.memory_bytes_max;
                return CallFailure::OutOfMemory { memory_bytes_max };
            }
            Some(trap) => trap.to_string().replacen("wasm trap: ", "", 1),
            None if returned_too_much(error) => {
                let returned_bytes_max = limits.returned_bytes_max;
                return CallFailure::OutputTooLarge { returned_bytes_max };
            }
            None => match error.downcast_ref::<I32Exit>() {
                Some(I32Exit(status)) => format!("exit with status {status}"),
                None => error.root_cause().to_string(),
            },
        };
        CallFailure::Trapped {
            reason: with_last_words(reason, &store.data().log_tail(), limits.message_bytes_max),
        }
    }
}

impl fmt::Debug for Plugin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Plugin")
            .field("digest", &self.loaded.digest)
            .field("world", &self.loaded.world)
            .finish_non_exhaustive()
    }
}

/// The number of records in a batch that fits the plan.
fn rows(plan: &Plan, batch: &[Column], rows_max: usize) -> Result<usize, String> {
    if batch.len() != plan.inputs.len() {
        let (columns, inputs) = (batch.len(), plan.inputs.len());
        return Err(format!(
            "the batch has {columns} columns, the plan {inputs} inputs"
        ));
    }
    let rows = batch.first().map_or(0, Column::len);
    if rows > rows_max {
        return Err(format!(
            "the batch has {rows} rows, more than `rows_max` = {rows_max}"
        ));
    }
    match batch.iter().position(|column| column.len() != rows) {
        Some(uneven) => Err(format!(
            "column {uneven} of the batch is not {rows} rows long"
        )),
        None => Ok(rows),
    }
}

fn invalid_input(problem: String) -> CallFailure {
    CallFailure::InvalidInput { problem }
}

/// wasmtime gives this error no public type, only its text.
fn returned_too_much(error: &Error) -> bool {
    error
        .root_cause()
        .to_string()
        .contains("fuel allocated for hostcalls")
}

/// Adds the last line of the log that says something; Rust ends a panic with a note that does not.
fn with_last_words(mut reason: String, log_tail: &str, bytes_max: usize) -> String {
    let says = |line: &&str| !line.trim().is_empty() && !line.starts_with("note: ");
    let words = log_tail.lines().rev().find(says);
    if let Some(words) = words {
        let mut words = words.trim().to_owned();
        output::cut(&mut words, bytes_max);
        reason = format!("{reason}, its last words were `{words}`");
    }
    reason
}
