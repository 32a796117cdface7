//! Mistakes that a sync engine could make, to be switched on one at a time in a build of their own (feature `mistakes`): the
//! simulation has to find each of them. In every other build [`made`] is a constant `false`.

use std::sync::atomic::{AtomicUsize, Ordering};

/// A mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mistake {
    /// The next page begins after the last time seen, not at it.
    TiesSkipped,
    /// A page that shows nothing but what was modified just now is believed to tell how far the order has come.
    NewsTrusted,
    /// The cursor goes up to the present, whatever HubSpot's index still hides.
    NotSettled,
    /// The cursor is stored before the page that it stands behind.
    CursorFirst,
    /// What is about to be sent is not written down.
    NoIntent,
    /// A record leaves the outbox before HubSpot has answered.
    OutboxFirst,
    /// A create has a key of its own each time.
    NewKeyEachTime,
    /// What HubSpot answers to a write is not the new agreement, nor is what was sent.
    AnswerForgotten,
    /// What HubSpot's side changed right before a push is overwritten.
    Overwritten,
    /// A conflict is settled without being listed.
    LoserDropped,
    /// HubSpot always wins.
    PolicyIgnored,
    /// Values flow against the direction of their mapping.
    DirectionIgnored,
    /// A value that was cleared is not sent.
    ClearsDropped,
    /// A record's values are written over an object of another record that carries its id.
    OthersObject,
    /// The objects of deleted records are not archived.
    DoomedForgotten,
    /// A tug of war goes on.
    TugIgnored,
    /// An edit that waits for a property to come back is not listed.
    WaitingForgotten,
    /// A field that syncs again goes on from where it stopped.
    ReturnForgotten,
    /// That the access was over is said of the access that was given since, too.
    OldGrantJudged,
    /// A refresh that answers no refresh token leaves none.
    RefreshForgotten,
}

impl Mistake {
    /// All of them.
    pub const ALL: [Self; 20] = [
        Self::TiesSkipped,
        Self::NewsTrusted,
        Self::NotSettled,
        Self::CursorFirst,
        Self::NoIntent,
        Self::OutboxFirst,
        Self::NewKeyEachTime,
        Self::AnswerForgotten,
        Self::Overwritten,
        Self::LoserDropped,
        Self::PolicyIgnored,
        Self::DirectionIgnored,
        Self::ClearsDropped,
        Self::OthersObject,
        Self::DoomedForgotten,
        Self::TugIgnored,
        Self::WaitingForgotten,
        Self::ReturnForgotten,
        Self::OldGrantJudged,
        Self::RefreshForgotten,
    ];
}

/// One more than the number of the mistake that is switched on.
static MADE: AtomicUsize = AtomicUsize::new(0);

/// Switches a mistake on in the whole process, or all off.
pub fn make(mistake: Option<Mistake>) {
    let number = mistake.map_or(0, |mistake| mistake as usize + 1);
    MADE.store(number, Ordering::SeqCst);
}

/// Whether this mistake is to be made.
pub(crate) fn made(mistake: Mistake) -> bool {
    cfg!(feature = "mistakes") && MADE.load(Ordering::Relaxed) == mistake as usize + 1
}
