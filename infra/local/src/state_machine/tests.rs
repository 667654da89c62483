//! The definition that is deployed can be loaded; how it runs is tested with the world.

use super::*;

#[test]
fn the_deployed_definition_is_understood() {
    let worker = (
        "SyncRunFunctionArn".to_owned(),
        "arn:aws:lambda:eu-west-1:000000000000:function:x".to_owned(),
    );
    let loaded = Definition::load(include_str!("../../../sync.asl.json"), &[worker].into());
    assert_eq!(loaded.map(|definition| definition.start_at), Ok("Work".to_owned()));
}

#[test]
fn names_are_those_that_aws_takes() {
    assert!(
        is_name("run_01ABC-x.y") && !is_name("") && !is_name("a b") && !is_name("a/b") && !is_name(&"a".repeat(81))
    );
}
