use proptest::prelude::*;

use super::*;
use crate::Currency;

fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::USD)
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn reading(second: i64, progress: Progress, captured: i64, refunded: i64) -> Reading {
    let (captured, refunded) = (usd(captured), usd(refunded));
    let dispute = DisputeReading::None;
    Reading { at: at(second), progress, captured, refunded, refund_is_pending: Some(false), dispute }
}

fn dispute(status: &str) -> Dispute {
    Dispute {
        id: Some("du_1".to_owned()),
        status: status.to_owned(),
        amount: 2400,
        currency: "usd".to_owned(),
        reason: "fraudulent".to_owned(),
        due_by: Some(9),
    }
}

fn disputed(second: i64, status: &str) -> Reading {
    let dispute = DisputeReading::Latest(dispute(status));
    Reading { dispute, ..reading(second, Progress::Settled, 2400, 0) }
}

/// The same of another dispute.
fn another(second: i64, status: &str) -> Reading {
    let dispute = DisputeReading::Latest(Dispute { id: Some("du_2".to_owned()), ..dispute(status) });
    Reading { dispute, ..reading(second, Progress::Settled, 2400, 0) }
}

/// Follows a reading to its end. How it is then, and what there was to tell.
fn follow(standing: &Standing, reading: &Reading) -> (Standing, Vec<News>) {
    let (mut standing, mut news) = (standing.clone(), Vec::new());
    while let Some(step) = standing.next(reading) {
        assert!(news.len() < 3, "{standing:?} and {reading:?} go round in circles");
        standing = step.standing;
        news.extend(step.news);
    }
    (standing, news)
}

/// An order that was made after the first of these readings and heard of the others. What there was to tell of the last.
fn told(readings: &[Reading]) -> Vec<News> {
    let (first, later) = readings.split_first().unwrap();
    let Step { standing, news } = Standing::of_new_order(first);
    let (mut standing, more) = follow(&standing, first);
    let mut told = news.into_iter().chain(more).collect();
    for reading in later {
        (standing, told) = follow(&standing, reading);
    }
    told
}

#[test]
fn the_status_follows_from_what_was_taken_and_paid_back() {
    use OrderStatus as S;
    use Progress as P;
    for (progress, captured, refunded, status) in [
        (P::Waiting, 0, 0, S::AwaitingPayment),
        (P::Held, 0, 0, S::Authorized),
        (P::Failed, 0, 0, S::PaymentFailed),
        (P::Canceled, 0, 0, S::Canceled),
        (P::Settled, 2400, 0, S::Paid),
        (P::Settled, 0, 0, S::Paid),
        (P::Settled, 2400, 1, S::PartiallyRefunded),
        (P::Settled, 2400, 2399, S::PartiallyRefunded),
        (P::Settled, 2400, 2400, S::Refunded),
        // What counts is what was taken of the order's total.
        (P::Settled, 1000, 1000, S::Refunded),
    ] {
        assert_eq!(reading(1, progress, captured, refunded).status(), status, "{progress:?} {captured} {refunded}");
    }
}

#[test]
fn a_change_tells_the_state_that_it_reaches() {
    use Progress as P;
    let waiting = reading(1, P::Waiting, 0, 0);
    let held = reading(1, P::Held, 0, 0);
    let paid = reading(1, P::Settled, 2400, 0);
    let refunded = |second, minor| reading(second, P::Settled, 2400, minor);
    for (readings, news) in [
        (vec![waiting.clone()], vec![]),
        (vec![held.clone()], vec![News::Authorized]),
        (vec![paid.clone()], vec![News::Paid]),
        (vec![refunded(1, 400)], vec![News::Refunded]),
        (vec![disputed(1, "needs_response")], vec![News::Paid, News::Disputed]),
        (vec![waiting.clone(), reading(2, P::Settled, 2400, 0)], vec![News::Paid]),
        (vec![waiting.clone(), reading(2, P::Failed, 0, 0)], vec![News::PaymentFailed]),
        (vec![waiting, refunded(2, 400)], vec![News::Refunded]),
        (vec![held.clone(), reading(2, P::Settled, 1000, 0)], vec![News::Paid]),
        (vec![held.clone(), reading(2, P::Canceled, 0, 0)], vec![News::Canceled]),
        (vec![held.clone(), reading(2, P::Held, 0, 0)], vec![]),
        (vec![paid.clone(), refunded(2, 400)], vec![News::Refunded]),
        (vec![paid.clone(), refunded(2, 400), refunded(3, 2400)], vec![News::Refunded]),
        (vec![paid.clone(), refunded(2, 400), refunded(3, 400)], vec![]),
        (vec![paid.clone(), refunded(2, 400), refunded(3, 0)], vec![News::RefundFailed]),
        (vec![paid.clone(), refunded(2, 900), refunded(3, 400)], vec![News::RefundFailed]),
        (vec![paid.clone(), disputed(2, "needs_response")], vec![News::Disputed]),
        (vec![paid.clone(), disputed(2, "needs_response"), disputed(3, "under_review")], vec![]),
        (vec![paid.clone(), disputed(2, "needs_response"), disputed(3, "lost")], vec![News::DisputeClosed]),
        (vec![paid.clone(), disputed(2, "won"), disputed(3, "needs_response")], vec![News::Disputed]),
        // Another one tells of itself, whatever became of the one before.
        (vec![paid.clone(), disputed(2, "needs_response"), another(3, "needs_response")], vec![News::Disputed]),
        (vec![paid.clone(), disputed(2, "won"), another(3, "lost")], vec![News::DisputeClosed]),
        // A debit that the bank returned is lost at once.
        (vec![paid.clone(), disputed(2, "lost")], vec![News::DisputeClosed]),
        // An older reading says nothing.
        (vec![refunded(2, 400), paid], vec![]),
    ] {
        assert_eq!(told(&readings), news, "{readings:?}");
    }
}

#[test]
fn a_dispute_that_cannot_be_read_stays_as_it_was_known() {
    let (known, _) = follow(&Standing::of_new_order(&disputed(1, "won")).standing, &disputed(1, "won"));

    let unreadable = Reading { dispute: DisputeReading::Unreadable, ..reading(2, Progress::Settled, 2400, 0) };

    assert_eq!(follow(&known, &unreadable).0.dispute, Some(dispute("won")));
}

#[test]
fn an_order_is_open_while_something_may_still_come() {
    let pending = Reading { refund_is_pending: Some(true), ..reading(1, Progress::Settled, 2400, 400) };
    let not_looked = Reading { refund_is_pending: None, ..reading(2, Progress::Settled, 2400, 400) };
    for (readings, is_open) in [
        (vec![reading(1, Progress::Waiting, 0, 0)], true),
        (vec![reading(1, Progress::Held, 0, 0)], true),
        (vec![reading(1, Progress::Failed, 0, 0)], false),
        (vec![reading(1, Progress::Canceled, 0, 0)], false),
        (vec![reading(1, Progress::Settled, 2400, 0)], false),
        (vec![reading(1, Progress::Settled, 2400, 400)], false),
        (vec![pending.clone()], true),
        (vec![pending.clone(), not_looked.clone()], true),
        (vec![pending, reading(2, Progress::Settled, 2400, 400)], false),
        (vec![not_looked], false),
        (vec![disputed(1, "needs_response")], true),
        (vec![disputed(1, "needs_response"), disputed(2, "won")], false),
    ] {
        let mut standing = Standing::of_new_order(&readings[0]).standing;
        for reading in &readings {
            (standing, _) = follow(&standing, reading);
        }
        assert_eq!(standing.is_open(), is_open, "{readings:?}");
    }
}

#[test]
fn what_an_earlier_version_counted_differently_is_no_news() {
    let before = Standing {
        status: OrderStatus::PartiallyRefunded,
        captured: usd(2400),
        refunded: usd(1400),
        refund_is_pending: false,
        dispute: None,
        read_at: None,
    };

    // Of 2,400 only 1,000 were taken.
    let (now, news) = follow(&before, &reading(1, Progress::Settled, 1000, 0));

    assert_eq!((now.status, news), (OrderStatus::Paid, vec![]));
    let (_, news) = follow(&before, &reading(1, Progress::Settled, 2400, 0));
    assert_eq!(news, [News::RefundFailed]);
}

fn some_reading() -> impl Strategy<Value = Reading> {
    let progress = prop::sample::select(vec![
        Progress::Waiting,
        Progress::Held,
        Progress::Failed,
        Progress::Canceled,
        Progress::Settled,
    ]);
    let status = prop::sample::select(vec!["", "needs_response", "under_review", "lost", "won"]);
    (progress, 0..3_i64, 0..3_i64, status, any::<bool>()).prop_map(
        |(progress, captured, refunded, status, is_pending)| {
            let dispute =
                if status.is_empty() { DisputeReading::None } else { DisputeReading::Latest(dispute(status)) };
            Reading { dispute, refund_is_pending: Some(is_pending), ..reading(0, progress, captured, refunded) }
        },
    )
}

proptest! {
    #[test]
    fn in_whatever_order_and_however_often_readings_arrive_the_latest_counts(
        readings in prop::collection::vec(some_reading(), 1..6),
        arrivals in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let readings: Vec<_> =
            (1..).zip(readings).map(|(second, reading)| Reading { at: at(second), ..reading }).collect();
        let (latest, _) = readings.split_last().unwrap();
        let first = arrivals.first().map_or(latest, |index| index.get(&readings));
        let mut standing = Standing::of_new_order(first).standing;
        for index in &arrivals {
            (standing, _) = follow(&standing, index.get(&readings));
        }

        let (settled, _) = follow(&standing, latest);

        let (alone, _) = follow(&Standing::of_new_order(latest).standing, latest);
        prop_assert_eq!(&settled, &alone);
        prop_assert_eq!(follow(&settled, latest), (alone, vec![]));
    }

    #[test]
    fn a_step_has_news_only_if_something_changed(standing in some_reading(), then in some_reading()) {
        let standing = Standing::of_new_order(&standing).standing;

        if let Some(step) = standing.next(&Reading { at: at(1), ..then }) {
            let unchanged = Standing { read_at: standing.read_at, ..step.standing.clone() } == standing;
            prop_assert!(!(unchanged && step.news.is_some()));
        }
    }
}
