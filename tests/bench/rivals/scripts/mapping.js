"use strict";

const TIERS = { TIER_1: "gold", TIER_2: "silver", TIER_3: "bronze" };
const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

function iso(text) {
    const found = /^(\d\d)\/(\d\d)\/(\d{4})$/.exec(text);
    if (!found) return undefined;
    const [, day, month, year] = found;
    const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
    const days = month === "02" && leap ? 29 : DAYS[month - 1];
    return year >= 1 && day >= 1 && day <= days ? `${year}-${month}-${day}` : undefined;
}

globalThis.map = function ({ name, city, tier, since, contact }) {
    const person = contact?.trim() || undefined;
    const blank = person?.search(/[ \t\n\r]/);
    return {
        name,
        city: city?.trim() || undefined,
        tier: tier == null ? undefined : TIERS[tier],
        since: since == null ? undefined : iso(since),
        firstName: blank < 0 ? person : person?.slice(0, blank),
        lastName: blank < 0 ? undefined : person?.slice(blank).trim(),
    };
};
