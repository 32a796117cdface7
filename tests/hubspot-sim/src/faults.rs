//! Faults: what goes wrong between a client and HubSpot, on purpose.
//!
//! Two sources, asked once per call: *armed* faults hit the next calls whose path contains a text, and a *plan* draws
//! from the seed with a rate per kind. Armed ones win. A fault that refuses a call does so before anything is
//! applied; [`Fault::LostResponse`] and [`Fault::CutOffBody`] strike after it was applied, which is the point of them.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::{Deserialize, Serialize};

use crate::errors::ApiError;

/// One thing that goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Fault {
    /// 429 with the ten-second policy, with or without a `Retry-After` header.
    RateLimited {
        /// Seconds for the header.
        #[serde(default)]
        retry_after_s: Option<u32>,
    },
    /// 423: the record is locked for two seconds.
    Locked,
    /// 477: the portal is moving between data centres.
    Migrating {
        /// Seconds for the `Retry-After` header.
        retry_after_s: u32,
    },
    /// 409: a whole batch is refused, which is about something else than its rows.
    Conflict,
    /// 502 with a gateway's page instead of JSON.
    BadGateway,
    /// 500 with HubSpot's JSON.
    ServerError,
    /// The call is applied, the answer stops in the middle of its body.
    CutOffBody,
    /// The call is applied, the connection closes without an answer.
    LostResponse,
    /// The answer comes this much later.
    Latency {
        /// Milliseconds.
        ms: u64,
    },
}

/// A fault that waits for calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArmedFault {
    /// Part of the path; empty matches every call.
    #[serde(default)]
    pub path: String,
    /// How many matching calls pass before it strikes.
    #[serde(default)]
    pub skip: u32,
    /// How many calls it strikes.
    #[serde(default = "once")]
    pub times: u32,
    /// What happens.
    pub fault: Fault,
}

/// Random faults: a chance per call for each kind. The chances add up to at most one.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FaultPlan {
    /// Kinds with their chance per call, 0.0 to 1.0.
    pub rates: Vec<(Fault, f64)>,
}

impl FaultPlan {
    /// Each kind of trouble with the same small chance.
    pub fn uniform(rate: f64) -> Self {
        let kinds = [
            Fault::RateLimited {
                retry_after_s: None,
            },
            Fault::RateLimited {
                retry_after_s: Some(1),
            },
            Fault::Locked,
            Fault::BadGateway,
            Fault::ServerError,
            Fault::CutOffBody,
            Fault::LostResponse,
        ];
        Self {
            rates: kinds.into_iter().map(|kind| (kind, rate)).collect(),
        }
    }
}

/// The faults of one portal.
#[derive(Debug)]
pub struct Faults {
    plan: FaultPlan,
    rng: StdRng,
    armed: Vec<ArmedFault>,
}

impl Faults {
    /// Faults drawn from `seed`, apart from the portal's other random numbers.
    pub fn new(plan: FaultPlan, seed: u64) -> Self {
        Self {
            plan,
            rng: StdRng::seed_from_u64(seed ^ 0xfa17),
            armed: Vec::new(),
        }
    }

    /// Lets `fault` wait for calls.
    pub fn arm(&mut self, fault: ArmedFault) {
        self.armed.push(fault);
    }

    /// Forgets what is armed.
    pub fn disarm(&mut self) {
        self.armed.clear();
    }

    /// Replaces the random faults.
    pub fn set_plan(&mut self, plan: FaultPlan) {
        self.plan = plan;
    }

    /// The fault for a call to `path`, if any.
    pub fn draw(&mut self, path: &str) -> Option<Fault> {
        if let Some(at) = self
            .armed
            .iter()
            .position(|armed| path.contains(&armed.path))
        {
            let armed = &mut self.armed[at];
            if armed.skip > 0 {
                armed.skip -= 1;
                return None;
            }
            armed.times = armed.times.saturating_sub(1);
            let fault = armed.fault;
            if armed.times == 0 {
                self.armed.remove(at);
            }
            return Some(fault);
        }
        if self.plan.rates.is_empty() {
            return None;
        }
        let mut draw: f64 = self.rng.random();
        for &(fault, rate) in &self.plan.rates {
            if draw < rate {
                return Some(fault);
            }
            draw -= rate;
        }
        None
    }
}

impl Fault {
    /// The answer instead of the call's own, for the kinds that refuse a call.
    pub fn refusal(self) -> Option<ApiError> {
        match self {
            Self::RateLimited { retry_after_s } => {
                let mut error =
                    ApiError::plain(429, "You have reached your ten_secondly_rolling limit.");
                error.policy = Some("TEN_SECONDLY_ROLLING");
                error.retry_after_s = retry_after_s;
                Some(error)
            }
            // Unverified: no recording of a 423 body exists.
            Self::Locked => Some(ApiError::plain(
                423,
                "The resource is locked; try again later.",
            )),
            Self::Migrating { retry_after_s } => {
                let mut error = ApiError::plain(477, "This account is being migrated.");
                error.retry_after_s = Some(retry_after_s);
                Some(error)
            }
            // Unverified: recordings have it for contacts that exist already only.
            Self::Conflict => Some(ApiError::new(
                409,
                "CONFLICT",
                "The objects are being changed by another request.",
            )),
            Self::BadGateway => Some(ApiError::page(
                502,
                "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n</body>\r\n</html>\r\n",
            )),
            Self::ServerError => Some(ApiError::plain(500, "internal error")),
            Self::CutOffBody | Self::LostResponse | Self::Latency { .. } => None,
        }
    }
}

const fn once() -> u32 {
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn armed_fault_strikes_matching_calls_after_the_skipped_ones() {
        let mut faults = Faults::new(FaultPlan::default(), 1);
        faults.arm(ArmedFault {
            path: "/search".into(),
            skip: 1,
            times: 2,
            fault: Fault::Locked,
        });
        let struck: Vec<_> = [
            "/a/search",
            "/a/read",
            "/a/search",
            "/b/search",
            "/a/search",
        ]
        .map(|path| faults.draw(path).is_some())
        .into();
        assert_eq!(struck, [false, false, true, true, false]);
    }

    #[test]
    fn plan_is_drawn_from_the_seed() {
        let draw = |seed| {
            let mut faults = Faults::new(FaultPlan::uniform(0.05), seed);
            (0..200).map(|_| faults.draw("/x")).collect::<Vec<_>>()
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
        let hits = draw(7).iter().flatten().count();
        assert!((30..110).contains(&hits), "{hits} of 200");
    }
}
