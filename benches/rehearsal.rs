//! Tests of playbooks: how long one rehearsal of a playbook with a loop and eight actions takes. A thousand of them have
//! five seconds.

use divan::Bencher;
use riposte::catalog::{Catalog, Current, Source};
use riposte::engine::content::Content;
use riposte::rehearsal::{Mocks, Occasion, Stage, Unmocked, rehearse};

fn main() {
    divan::main();
}

#[divan::bench]
fn rehearse_the_quickstart(bencher: Bencher<'_, '_>) {
    let text = include_str!("../examples/quickstart/playbook.yaml");
    let current = Current::fixed(Catalog::build([&Source::read("playbook.yaml", text)]));
    let catalog = current.get();
    let playbook = current
        .playbook("default", "enrich-addresses")
        .expect("the example is valid");
    let stage = Stage::new(playbook, |name| catalog.usable_connector("default", name));
    let now = jiff::Timestamp::UNIX_EPOCH;
    let occasion = Occasion::made_up(&stage, now).expect("the sample is valid");
    let mocks = Mocks::default();
    bencher.bench(|| rehearse(&stage, stage.playbook(), &occasion, &mocks, Unmocked::Example, now));
}
