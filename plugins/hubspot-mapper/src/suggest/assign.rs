//! Gives each property to at most one field.

use super::score::Scored;

/// The most candidates that a suggestion lists.
const CANDIDATES_MAX: usize = 5;

/// Orders each field's candidates so that no two fields begin with the same property.
///
/// The surest pair of all is settled first, then the surest of what is left, and so on. A field
/// keeps the properties that others took behind its own, as alternatives for a person to choose;
/// when nothing is left for a field, it has no candidates.
pub fn assign(fields: Vec<Vec<Scored>>) -> Vec<Vec<Scored>> {
    let mut pairs: Vec<(f64, usize, usize)> = Vec::new();
    for (field, candidates) in fields.iter().enumerate() {
        pairs.extend(
            candidates
                .iter()
                .map(|one| (one.confidence, field, one.property)),
        );
    }
    // Equal confidences are settled by position, so that the answer never depends on anything else.
    pairs.sort_by(|a, b| b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
    let mut chosen: Vec<Option<usize>> = vec![None; fields.len()];
    for (_, field, property) in pairs {
        if chosen.get(field) == Some(&None)
            && !chosen.contains(&Some(property))
            && let Some(choice) = chosen.get_mut(field)
        {
            *choice = Some(property);
        }
    }
    let ordered = fields
        .into_iter()
        .zip(chosen)
        .map(|(mut candidates, choice)| {
            let Some(choice) = choice else {
                return Vec::new();
            };
            candidates.sort_by(|a, b| {
                let first = (b.property == choice).cmp(&(a.property == choice));
                first
                    .then(b.confidence.total_cmp(&a.confidence))
                    .then(a.property.cmp(&b.property))
            });
            candidates.truncate(CANDIDATES_MAX);
            candidates
        });
    ordered.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scored(property: usize, confidence: f64) -> Scored {
        Scored {
            property,
            confidence,
            reasons: Vec::new(),
        }
    }

    fn properties(fields: Vec<Vec<Scored>>) -> Vec<Vec<usize>> {
        let fields = assign(fields).into_iter();
        fields
            .map(|list| list.into_iter().map(|one| one.property).collect())
            .collect()
    }

    #[test]
    fn the_surest_pair_wins_and_the_loser_takes_its_next() {
        let fields = vec![
            vec![scored(0, 0.8), scored(1, 0.6)],
            vec![scored(0, 0.9), scored(2, 0.3)],
            vec![scored(0, 0.5)],
        ];
        assert_eq!(properties(fields), [vec![1, 0], vec![0, 2], vec![]]);
    }

    #[test]
    fn equal_confidences_go_to_the_first_field() {
        assert_eq!(
            properties(vec![vec![scored(3, 0.7)], vec![scored(3, 0.7)]]),
            [vec![3], vec![]]
        );
    }
}
