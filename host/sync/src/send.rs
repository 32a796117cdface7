//! Sends drafts to HubSpot: updates by id, creates by upsert on the record id, and again without what was refused.

use partneros_hubspot::{Priority, RowError, Update, Upsert, Written};
use partneros_store::Counts;

use crate::discovery::RECORD_ID_PROPERTY;
use crate::draft::{Draft, NO_ANSWER};
use crate::error::Error;
use crate::mistakes::{Mistake, made};
use crate::pass::Pass;

/// Sends every open draft until it is written, parked, or was refused too often.
pub async fn send(pass: &Pass, drafts: &mut [Draft], counts: &mut Counts) -> Result<(), Error> {
    let mut open: Vec<usize> = (0..drafts.len())
        .filter(|at| drafts[*at].is_open())
        .collect();
    for round in 0..=pass.engine.settings.refusal_rounds {
        if open.is_empty() {
            break;
        }
        // Rounds may take minutes; who lost the lease meanwhile must not write any more.
        pass.step().await?;
        let last = round == pass.engine.settings.refusal_rounds;
        let (updates, creates): (Vec<_>, Vec<_>) = open
            .iter()
            .partition(|at| drafts[**at].hubspot_id().is_some());
        open.clear();
        for (batch, is_create) in [(updates, false), (creates, true)] {
            if batch.is_empty() {
                continue;
            }
            let answers = if is_create {
                create(pass, drafts, &batch).await?
            } else {
                update(pass, drafts, &batch).await?
            };
            for (at, answer) in batch.into_iter().zip(answers) {
                if take_answer(pass, &mut drafts[at], answer, last, counts) {
                    open.push(at);
                }
            }
        }
    }
    Ok(())
}

/// Returns whether the draft is to be sent again.
fn take_answer(
    pass: &Pass,
    draft: &mut Draft,
    answer: Written,
    last: bool,
    counts: &mut Counts,
) -> bool {
    match answer {
        Written::Done(object) => {
            if object.created {
                counts.hubspot_created += 1;
            } else {
                counts.hubspot_updated += 1;
            }
            draft.written(&pass.plan, &object);
            false
        }
        Written::Refused(error) if last => {
            draft.give_up(&error);
            false
        }
        Written::Refused(error) => draft.refused(&pass.plan, &error),
    }
}

async fn update(pass: &Pass, drafts: &[Draft], batch: &[usize]) -> Result<Vec<Written>, Error> {
    let updates: Vec<_> = batch
        .iter()
        .filter_map(|at| {
            let draft = &drafts[*at];
            Some(Update {
                id: draft.hubspot_id()?,
                properties: properties(draft),
            })
        })
        .collect();
    let object = &pass.plan.pair.hubspot_object;
    let answers = pass
        .portal
        .update_batch(object, &updates, Priority::Push)
        .await;
    Ok(complete(answers.map_err(Error::Push)?, batch.len()))
}

async fn create(pass: &Pass, drafts: &[Draft], batch: &[usize]) -> Result<Vec<Written>, Error> {
    let upserts: Vec<_> = batch
        .iter()
        .map(|at| Upsert {
            key: if made(Mistake::NewKeyEachTime) {
                pass.engine.environment.new_id().to_string()
            } else {
                drafts[*at].record_id.to_string()
            },
            properties: properties(&drafts[*at]),
        })
        .collect();
    let object = &pass.plan.pair.hubspot_object;
    let key = RECORD_ID_PROPERTY.into();
    let answers = pass
        .portal
        .upsert_batch(object, &key, &upserts, Priority::Push)
        .await;
    Ok(complete(answers.map_err(Error::Push)?, batch.len()))
}

fn properties(draft: &Draft) -> Vec<(partneros_domain::FieldName, Option<String>)> {
    draft
        .changes
        .iter()
        .map(|change| (change.property.clone(), change.value.clone()))
        .collect()
}

/// An answer for each row; a row that the portal gave none for is refused.
fn complete(mut answers: Vec<Written>, rows: usize) -> Vec<Written> {
    let unanswered = || {
        Written::Refused(RowError {
            category: NO_ANSWER.to_owned(),
            message: "HubSpot's answer left the row out".to_owned(),
            properties: Vec::new(),
            correlation_id: None,
        })
    };
    answers.resize_with(rows, unanswered);
    answers
}
