//! The main job, small: the same story as the demo tells, which must end well; and the judge, who must not be blind.

use clap::Parser as _;
use partneros_demo::files::DataDir;
use partneros_demo::options::Options;
use partneros_demo::stage::{Pace, Stage};
use partneros_demo::{agreement, story, tour};

fn options(more: &[&str]) -> Options {
    let arguments = ["demo", "--once", "--companies", "60", "--deals", "80"];
    Options::parse_from(
        arguments
            .iter()
            .chain(&["--listen", "127.0.0.1:0"])
            .chain(more),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_main_job_ends_with_both_sides_agreeing_and_nothing_left_to_write() {
    let options = options(&[]);
    let data_dir = DataDir::open(None).unwrap();
    let mut stage = Stage::set(&options, data_dir.path()).await.unwrap();
    let outcome = story::tell(&mut stage, &options).await.unwrap();
    let unexpected: Vec<_> = outcome
        .endings
        .iter()
        .filter(|ending| !ending.expected)
        .collect();
    assert!(unexpected.is_empty(), "{unexpected:?}");
    assert!(
        outcome
            .agreements
            .iter()
            .all(|agreement| agreement.wrong == 0),
        "{outcome:?}"
    );
    assert!(outcome.quiet);
    assert!(outcome.is_good());
    assert!(
        outcome
            .agreements
            .iter()
            .all(|agreement| agreement.values > 900),
        "{outcome:?}"
    );

    stage.restart(Pace::Scheduled).await.unwrap();
    let tour = tour::describe(&stage, &outcome.partners, &outcome.deals)
        .await
        .unwrap();
    assert!(tour.contains(stage.api.token()), "{tour}");
    stage.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_comparison_sees_what_differs_and_what_is_missing() {
    let options = options(&["--seed", "2"]);
    let data_dir = DataDir::open(None).unwrap();
    let mut stage = Stage::set(&options, data_dir.path()).await.unwrap();
    let outcome = story::tell(&mut stage, &options).await.unwrap();
    assert!(outcome.is_good(), "{outcome:?}");
    let ids = stage.portal.ids("companies").unwrap();
    stage
        .portal
        .person_sets("companies", ids[30], &[("country", "Atlantis")])
        .unwrap();
    let unseen = stage
        .portal
        .person_creates("companies", &[("name", "Unseen")])
        .unwrap();

    let agreement = agreement::compare(&stage, &outcome.partners).await.unwrap();
    assert_eq!(agreement.wrong, 2, "{agreement:?}");
    assert!(
        agreement
            .told
            .iter()
            .any(|told| told.contains(&unseen.to_string())),
        "{agreement:?}"
    );
    assert!(
        agreement.told.iter().any(|told| told.contains("Atlantis")),
        "{agreement:?}"
    );
    stage.stop().await.unwrap();
}

#[test]
fn a_data_directory_that_holds_something_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    assert!(DataDir::open(Some(directory.path())).is_ok());
    std::fs::write(directory.path().join("partneros.db"), "").unwrap();
    let error = DataDir::open(Some(directory.path())).unwrap_err();
    assert!(error.to_string().contains("not empty"), "{error}");
}
