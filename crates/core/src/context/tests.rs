use super::*;
use alloc::vec;
use proptest::prelude::*;

const MINUTE_US: u64 = 60_000_000;

fn at(minutes: u64) -> Now {
    Now {
        mono_us: minutes * MINUTE_US,
        dated_us: 0,
    }
}

fn line(entity: u32) -> Offer {
    Offer {
        entity,
        digest: u64::from(entity),
        section: 1,
        area: 0,
        importance: 0.5,
        age_us: 0,
    }
}

fn request(most: u32) -> Request {
    Request {
        form: 0,
        most,
        frame: 0,
        sections: vec![SectionBudget {
            section: 1,
            most: u32::MAX,
            heading: 0,
        }],
        areas: vec![],
        keep: vec![],
        half_life_us: 15 * MINUTE_US.cast_signed(),
    }
}

/// Offers rows as the columns they are given in.
fn offer(context: &mut Context, now: Now, rows: &[Offer]) -> Result<Vec<bool>, Error> {
    fn column<T>(rows: &[Offer], field: impl Fn(&Offer) -> T) -> Vec<T> {
        rows.iter().map(field).collect()
    }
    context.offer(
        now,
        &Offers {
            form: 0,
            entities: &column(rows, |row| row.entity),
            digests: &column(rows, |row| row.digest),
            sections: &column(rows, |row| row.section),
            areas: &column(rows, |row| row.area),
            importance: &column(rows, |row| row.importance),
            ages_us: &column(rows, |row| row.age_us.cast_signed()),
        },
    )
}

/// Offers lines of ten tokens each.
fn filled(offers: &[Offer]) -> Context {
    let mut context = Context::default();
    offer(&mut context, at(0), offers).unwrap();
    let entities: Vec<_> = offers.iter().map(|offer| offer.entity).collect();
    let tokens = vec![10; entities.len()];
    context.count(0, &entities, &tokens).unwrap();
    context
}

fn chosen(context: &Context, minutes: u64, request: &Request) -> Vec<u32> {
    let selection = context.select(at(minutes), request).unwrap();
    selection.lines.iter().map(|&(entity, _)| entity).collect()
}

#[test]
fn the_most_relevant_that_fit_are_taken() {
    let near = Offer { area: 7, ..line(1) };
    let next = Offer { area: 8, ..line(2) };
    let important = Offer {
        importance: 0.9,
        ..line(3)
    };
    let context = filled(&[line(0), near, next, important]);
    let mut request = request(30);
    request.areas = vec![7, 8];
    // 1.5, 1.0, 0.9, 0.5, each with the same recency.
    assert_eq!(chosen(&context, 0, &request), vec![1, 2, 3]);
    request.keep = vec![0];
    assert_eq!(chosen(&context, 0, &request), vec![0, 1, 2]);
}

#[test]
fn what_changed_lately_goes_first() {
    let mut context = filled(&[line(0), line(1)]);
    let changed = Offer {
        digest: 99,
        ..line(1)
    };
    assert_eq!(offer(&mut context, at(60), &[changed]), Ok(vec![true]));
    assert_eq!(
        chosen(&context, 60, &request(100)),
        vec![0],
        "a changed line waits for its count"
    );
    context.count(0, &[1], &[10]).unwrap();
    assert_eq!(chosen(&context, 61, &request(10)), vec![1]);
}

#[test]
fn what_was_old_when_it_was_first_offered_is_old() {
    let old = Offer {
        age_us: 60 * MINUTE_US,
        ..line(0)
    };
    let mut context = filled(&[old, line(1)]);
    assert_eq!(chosen(&context, 1, &request(10)), vec![1]);
    // The age of a line that says the same is known better here.
    let again = Offer {
        age_us: 0,
        ..line(0)
    };
    offer(&mut context, at(2), &[again]).unwrap();
    assert_eq!(chosen(&context, 2, &request(10)), vec![1]);
}

#[test]
fn each_form_has_counts_of_its_own() {
    let mut context = filled(&[line(0), line(1)]);
    let mut other = request(15);
    other.form = 1;
    let uncounted = context.select(at(0), &other).unwrap();
    assert_eq!((uncounted.lines.len(), uncounted.uncounted), (0, 2));
    context.count(1, &[0, 1], &[7, 8]).unwrap();
    assert_eq!(context.select(at(0), &other).unwrap().tokens, 15);
    assert_eq!(chosen(&context, 0, &request(15)), vec![0]);
    context.count(0, &[0], &[5]).unwrap();
    assert_eq!(chosen(&context, 0, &request(15)), vec![0, 1]);
    let changed = Offer {
        digest: 9,
        ..line(0)
    };
    offer(&mut context, at(0), &[changed]).unwrap();
    assert_eq!(context.select(at(0), &other).unwrap().uncounted, 1);
    other.form = MOST_FORMS;
    assert!(context.select(at(0), &other).is_err());
    assert!(context.count(MOST_FORMS, &[0], &[1]).is_err());
}

#[test]
fn a_line_is_counted_again_only_when_it_says_something_else() {
    let mut context = filled(&[line(0)]);
    let moved = Offer {
        area: 3,
        importance: 1.0,
        section: 2,
        ..line(0)
    };
    assert_eq!(
        offer(&mut context, at(1), &[line(0), moved]),
        Ok(vec![false; 2])
    );
    let changed = Offer {
        digest: 1,
        ..line(0)
    };
    assert_eq!(offer(&mut context, at(1), &[changed]), Ok(vec![true]));
    assert_eq!(
        offer(&mut context, at(1), &[line(0)]),
        Ok(vec![true]),
        "the count of an older text is not kept"
    );
    let totals = context.totals();
    assert_eq!((totals.lines, totals.offered, totals.reused), (1, 5, 2));
}

#[test]
fn a_heading_is_spent_with_the_first_line_of_its_section() {
    let other = Offer {
        section: 2,
        importance: 0.9,
        ..line(1)
    };
    let context = filled(&[line(0), other]);
    let mut request = request(100);
    request.frame = 3;
    request.sections = vec![
        SectionBudget {
            section: 1,
            most: 14,
            heading: 4,
        },
        SectionBudget {
            section: 2,
            most: 13,
            heading: 4,
        },
    ];
    let selection = context.select(at(0), &request).unwrap();
    assert_eq!(selection.lines, vec![(0, 1)], "13 is too little for 4 + 10");
    assert_eq!((selection.tokens, selection.omitted), (17, 1));
    request.sections[1].most = 14;
    let selection = context.select(at(0), &request).unwrap();
    assert_eq!(selection.lines, vec![(0, 1), (1, 2)], "order of the text");
    assert_eq!(selection.tokens, 31);
}

/// Makes a good request a bad one.
type Spoil = fn(&mut Request, SectionBudget);

#[test]
fn nonsense_is_refused_and_changes_nothing() {
    let mut context = filled(&[line(0)]);
    for importance in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
        let offers = [
            line(5),
            Offer {
                importance,
                ..line(6)
            },
        ];
        assert!(matches!(
            offer(&mut context, at(0), &offers),
            Err(Error::InvalidArgument(_))
        ));
    }
    assert!(context.count(0, &[0, 5], &[99, 1]).is_err());
    assert!(context.count(0, &[0], &[]).is_err());
    let uneven = Offers {
        form: 0,
        entities: &[5],
        digests: &[1],
        sections: &[1],
        areas: &[],
        importance: &[0.5],
        ages_us: &[0],
    };
    assert!(context.offer(at(0), &uneven).is_err());
    assert_eq!(context.totals().lines, 1);
    assert_eq!(context.select(at(0), &request(10)).unwrap().tokens, 10);

    let twice = SectionBudget {
        section: 1,
        most: 1,
        heading: 0,
    };
    let cases: [(&str, Spoil); 5] = [
        ("half-life", |request, _| request.half_life_us = 0),
        ("frame", |request, _| request.frame = 101),
        ("section 1", |request, twice| request.sections.push(twice)),
        ("areas", |request, _| request.areas = vec![1; 1001]),
        ("keep", |request, _| request.keep = vec![1; 1001]),
    ];
    for (name, spoil) in cases {
        let mut request = request(100);
        spoil(&mut request, twice);
        let error = context.select(at(0), &request).unwrap_err();
        assert!(alloc::format!("{error}").starts_with(name), "{error}");
    }
}

#[test]
fn the_bound_on_lines_counts_an_entity_once() {
    let mut context = Context::default();
    let most = MOST_LINES as u32;
    let all: Vec<_> = (0..most).map(line).collect();
    offer(&mut context, at(0), &all).unwrap();
    assert!(offer(&mut context, at(0), &[line(3), line(3)]).is_ok());
    assert!(matches!(
        offer(&mut context, at(0), &[line(most)]),
        Err(Error::TooLarge(_))
    ));
    assert_eq!(context.withdraw(&[3, 3, most]), 1);
    assert!(offer(&mut context, at(0), &[line(most), line(most)]).is_ok());
}

fn offers() -> impl Strategy<Value = Vec<(Offer, u32)>> {
    let offer = (0_u32..40, 0_u32..4, 0_u32..5, 0.0..=1.0, 0_u32..60);
    let offer = offer.prop_map(|(entity, section, area, importance, tokens)| {
        let offer = Offer {
            entity,
            digest: u64::from(entity),
            section,
            area,
            importance,
            age_us: 0,
        };
        (offer, tokens)
    });
    proptest::collection::vec(offer, 0..60)
}

fn requests() -> impl Strategy<Value = Request> {
    let sections = proptest::collection::vec((0_u32..200, 0_u32..20), 0..4);
    (0_u32..600, 0_u32..50, sections, 1_i64..1_000_000_000).prop_map(
        |(most, frame, sections, half_life_us)| Request {
            form: 0,
            most: most.max(frame),
            frame,
            sections: (0..)
                .zip(sections)
                .map(|(section, (most, heading))| SectionBudget {
                    section,
                    most,
                    heading,
                })
                .collect(),
            areas: vec![2, 1],
            keep: vec![5, 1],
            half_life_us,
        },
    )
}

proptest! {
    /// Added up again from the lines, no budget is ever exceeded, and what was
    /// left out would have exceeded one.
    #[test]
    fn no_budget_is_exceeded_and_no_room_wasted(offers in offers(), request in requests()) {
        let mut context = Context::default();
        let mut tokens = BTreeMap::new();
        let mut sections = BTreeMap::new();
        for (row, cost) in offers {
            offer(&mut context, at(0), &[row]).unwrap();
            context.count(0, &[row.entity], &[cost]).unwrap();
            tokens.insert(row.entity, cost);
            sections.insert(row.entity, row.section);
        }
        let selection = context.select(at(5), &request).unwrap();
        let mut total = request.frame;
        let mut rest: BTreeSet<u32> = sections.keys().copied().collect();
        let mut spent = BTreeMap::new();
        for (entity, section) in &selection.lines {
            prop_assert!(rest.remove(entity), "chosen twice");
            prop_assert_eq!(sections[entity], *section);
            *spent.entry(*section).or_insert(0) += tokens[entity];
        }
        for budget in &request.sections {
            if let Some(spent) = spent.get_mut(&budget.section) {
                *spent += budget.heading;
                prop_assert!(*spent <= budget.most);
                total += *spent;
            }
        }
        prop_assert_eq!(selection.tokens, total);
        prop_assert!(total <= request.most);
        for entity in rest {
            let Some(budget) = request.sections.iter().find(|b| b.section == sections[&entity]) else {
                continue;
            };
            let held = spent.get(&budget.section).copied();
            let cost = tokens[&entity] + if held.is_none() { budget.heading } else { 0 };
            prop_assert!(
                held.unwrap_or(0) + cost > budget.most || total + cost > request.most,
                "{} would have fitted", entity
            );
        }
    }
}
