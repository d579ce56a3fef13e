//! What was deleted comes back, who was named too early joins later, and clients are treated as their rules say.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::{Directory, document, group, user};
use serde_json::{Value, json};
use tenure_scim::{ScimError, patch::MemberRef};
use tenure_store::{
    Error, Kind, TimeUs,
    resource::{self, Deleted, Stored, Written},
    rules::{AbsentMembers, Rules, UnknownMembers},
};

fn scim(error: Error) -> ScimError {
    match error {
        Error::Scim(error) => error,
        other => panic!("not a SCIM error: {other}"),
    }
}

fn restore(d: &Directory, kind: Kind, id: &str) -> Result<Stored, Error> {
    let (workspace, id) = (d.workspace, id.to_owned());
    d.write(move |tx| resource::restore(tx, workspace, kind, &id))
}

fn deleted(d: &Directory, kind: Kind) -> Vec<Deleted> {
    let workspace = d.workspace;
    d.write(move |tx| resource::deleted(tx, workspace, kind, None, 10))
        .unwrap()
}

fn purge(d: &Directory, before_us: TimeUs) -> u64 {
    let workspace = d.workspace;
    d.write(move |tx| resource::purge(tx, workspace, before_us, 10))
        .unwrap()
}

fn a_deleted_person_comes_back_as_before() {
    let d = Directory::new();
    let ada = d.create(Kind::User, user("ada")).unwrap();
    let mill = d.create_group("Mill", &[&ada.id]).unwrap();
    let gone = d.create_group("Gone", &[&ada.id]).unwrap();
    d.delete(Kind::User, &ada.id).unwrap();
    d.delete(Kind::Group, &gone.id).unwrap();
    assert_eq!(d.find(Kind::User, "userName eq \"ada\""), [""; 0]);
    assert_eq!(deleted(&d, Kind::User)[0].stored.id, ada.id);

    let head = d.head();
    let back = restore(&d, Kind::User, &ada.id).unwrap();
    assert_eq!((back.rid, &back.id), (ada.rid, &ada.id));
    assert!(back.version > ada.version);
    assert_eq!(d.find(Kind::User, "userName eq \"ada\""), ["ada"]);
    assert_eq!(d.members(mill.rid), std::slice::from_ref(&ada.id));
    assert_eq!(deleted(&d, Kind::User), []);
    // The feed tells jobs of the person and of the membership.
    let rids: Vec<(i64, Option<i64>)> = d
        .feed(head)
        .iter()
        .map(|row| (row.rid, row.other))
        .collect();
    assert_eq!(rids, [(ada.rid, None), (mill.rid, Some(ada.rid))]);
    assert_eq!(d.audit()[0].action, "user.restore");
    assert_eq!(
        scim(restore(&d, Kind::User, &ada.id).unwrap_err()).status,
        404
    );

    // The group that was deleted while Ada was away comes back without her, as it was then.
    restore(&d, Kind::Group, &gone.id).unwrap();
    assert_eq!(d.members(gone.rid), Vec::<String>::new());
}

fn a_deleted_group_comes_back_with_its_members() {
    let d = Directory::new();
    let [ada, bo] = ["ada", "bo"].map(|name| d.create(Kind::User, user(name)).unwrap());
    let mill = d.create_group("Mill", &[&ada.id, &bo.id]).unwrap();
    d.delete(Kind::Group, &mill.id).unwrap();
    d.delete(Kind::User, &bo.id).unwrap();
    restore(&d, Kind::Group, &mill.id).unwrap();
    assert_eq!(d.members(mill.rid), [ada.id]);
}

fn a_name_that_was_given_away_is_a_conflict_and_changes_nothing() {
    let d = Directory::new();
    let first = d.create(Kind::User, user("ada")).unwrap();
    d.delete(Kind::User, &first.id).unwrap();
    d.create(Kind::User, user("ADA")).unwrap();
    let error = scim(restore(&d, Kind::User, &first.id).unwrap_err());
    assert_eq!(error.status, 409);
    assert!(error.detail.contains("userName"), "{}", error.detail);
    assert_eq!(deleted(&d, Kind::User).len(), 1);
    assert_eq!(d.count(Kind::User), 1);
}

fn what_is_purged_is_gone_for_good() {
    let d = Directory::new();
    let ada = d.create(Kind::User, user("ada")).unwrap();
    d.delete(Kind::User, &ada.id).unwrap();
    let at = deleted(&d, Kind::User)[0].deleted_us;
    assert_eq!(purge(&d, at), 0);
    assert_eq!(purge(&d, at + 1), 1);
    assert_eq!(purge(&d, at + 1), 0);
    assert_eq!(deleted(&d, Kind::User), []);
    assert_eq!(
        scim(restore(&d, Kind::User, &ada.id).unwrap_err()).status,
        404
    );
    let (rest, is_deleted) = d.by_rid(ada.rid).unwrap();
    assert!(is_deleted);
    assert_eq!(rest.body, "{}");
}

fn deleted_ones_are_listed_in_pages() {
    let d = Directory::new();
    for name in ["a", "b", "c"] {
        let id = d.create(Kind::User, user(name)).unwrap().id;
        d.delete(Kind::User, &id).unwrap();
    }
    let workspace = d.workspace;
    let mut names = Vec::new();
    let mut after = None;
    loop {
        let page = d
            .write(move |tx| resource::deleted(tx, workspace, Kind::User, after, 2))
            .unwrap();
        let Some(last) = page.last() else { break };
        after = Some((last.deleted_us, last.stored.rid));
        names.extend(page.iter().map(|one| one.stored.label()));
    }
    assert_eq!(names, ["c", "b", "a"]);
}

fn member(value: &str) -> MemberRef {
    MemberRef {
        value: value.to_owned(),
        kind: None,
    }
}

fn create_with(
    d: &Directory,
    kind: Kind,
    body: Value,
    members: &[&str],
    rules: &Rules,
) -> Result<Written, Error> {
    let (workspace, rules, body) = (d.workspace, rules.clone(), document(body));
    let members: Vec<MemberRef> = members.iter().map(|id| member(id)).collect();
    d.write(move |tx| resource::create_with(tx, workspace, kind, &body, &members, &rules))
}

fn patch_with(
    d: &Directory,
    id: &str,
    operations: &Value,
    rules: &Rules,
) -> Result<Written, Error> {
    let request = common::patch_request(Kind::Group, operations);
    let (workspace, rules, id) = (d.workspace, rules.clone(), id.to_owned());
    d.write(move |tx| resource::patch_with(tx, workspace, Kind::Group, &id, None, &request, &rules))
}

fn unknown_members_are_refused_skipped_or_parked() {
    let d = Directory::new();
    let ada = d.create(Kind::User, user("ada")).unwrap();
    let body = json!({"displayName": "Mill"});
    let members = [ada.id.as_str(), "hr-2"];
    let rules = |unknown_members| Rules {
        unknown_members,
        ..Rules::default()
    };
    let refused = rules(UnknownMembers::Refuse);
    let error = scim(create_with(&d, Kind::Group, body.clone(), &members, &refused).unwrap_err());
    assert!(error.detail.contains("\"hr-2\""), "{}", error.detail);
    assert_eq!(d.count(Kind::Group), 0);

    let skipping = rules(UnknownMembers::Skip);
    let skipped = create_with(&d, Kind::Group, body.clone(), &members, &skipping).unwrap();
    assert_eq!(skipped.unknown_members, 1);
    let parking = rules(UnknownMembers::Park);
    let parked = create_with(&d, Kind::Group, body, &members, &parking).unwrap();
    assert_eq!(parked.unknown_members, 1);

    let bo = create_with(
        &d,
        Kind::User,
        json!({"userName": "bo", "externalId": "hr-2"}),
        &[],
        &parking,
    )
    .unwrap()
    .stored;
    assert_eq!(d.members(skipped.stored.rid), std::slice::from_ref(&ada.id));
    assert_eq!(d.members(parked.stored.rid), [ada.id, bo.id.clone()]);
    let group = d.get(Kind::Group, &parked.stored.id).unwrap();
    assert_eq!(group.version, parked.stored.version + 1);
    // Joined once: leaving again is not undone by the next change of the person.
    d.patch(
        Kind::Group,
        &group.id,
        None,
        &json!([{"op": "remove", "path": format!("members[value eq \"{}\"]", bo.id)}]),
    )
    .unwrap();
    d.patch(
        Kind::User,
        &bo.id,
        None,
        &json!([{"op": "replace", "path": "externalId", "value": "hr-3"}]),
    )
    .unwrap();
    d.patch(
        Kind::User,
        &bo.id,
        None,
        &json!([{"op": "replace", "path": "externalId", "value": "hr-2"}]),
    )
    .unwrap();
    assert_eq!(d.members(group.rid).len(), 1);
}

fn parked_members_can_be_taken_back() {
    let d = Directory::new();
    let rules = Rules {
        unknown_members: UnknownMembers::Park,
        ..Rules::default()
    };
    let parked = |d: &Directory, group: &Stored| {
        let (workspace, rid) = (d.workspace, group.rid);
        d.write(move |tx| resource::parked_members(tx, workspace, rid))
            .unwrap()
    };
    let mill = create_with(
        &d,
        Kind::Group,
        json!({"displayName": "Mill"}),
        &["a", "b", "c"],
        &rules,
    )
    .unwrap()
    .stored;
    assert_eq!(parked(&d, &mill), 3);
    let remove = json!([{"op": "remove", "path": "members", "value": [{"value": "a"}]}]);
    patch_with(&d, &mill.id, &remove, &rules).unwrap();
    assert_eq!(parked(&d, &mill), 2);
    let replace = json!([{"op": "replace", "path": "members", "value": [{"value": "d"}]}]);
    patch_with(&d, &mill.id, &replace, &rules).unwrap();
    assert_eq!(parked(&d, &mill), 1);
    d.delete(Kind::Group, &mill.id).unwrap();
    assert_eq!(parked(&d, &mill), 0);
}

fn a_large_group_is_not_emptied_by_mistake() {
    let d = Directory::new();
    let people: Vec<Stored> = ["a", "b", "c"]
        .iter()
        .map(|name| d.create(Kind::User, user(name)).unwrap())
        .collect();
    let ids: Vec<&str> = people.iter().map(|one| one.id.as_str()).collect();
    let mill = d.create_group("Mill", &ids).unwrap();
    let clear = json!([{"op": "remove", "path": "members"}]);
    let mut rules = Rules {
        cleared_members: 2,
        ..Rules::default()
    };
    let error = scim(patch_with(&d, &mill.id, &clear, &rules).unwrap_err());
    assert_eq!(error.status, 400);
    assert_eq!(d.members(mill.rid).len(), 3);
    rules.cleared_members = 3;
    patch_with(&d, &mill.id, &clear, &rules).unwrap();
    assert_eq!(d.members(mill.rid).len(), 0);
}

fn a_put_without_members_clears_or_keeps_them() {
    let d = Directory::new();
    let ada = d.create(Kind::User, user("ada")).unwrap();
    let mill = d.create_group("Mill", &[&ada.id]).unwrap();
    let put = |absent_members| {
        let rules = Rules {
            absent_members,
            ..Rules::default()
        };
        let (workspace, id, body) = (d.workspace, mill.id.clone(), group("Mill"));
        d.write(move |tx| {
            resource::replace_with(tx, workspace, Kind::Group, &id, None, &body, &rules)
        })
        .unwrap();
        d.members(mill.rid).len()
    };
    assert_eq!(put(AbsentMembers::Keep), 1);
    assert_eq!(put(AbsentMembers::Clear), 0);
}

fn group_names_are_unique_where_a_client_wants_it() {
    let d = Directory::new();
    let unique = Rules {
        unique_group_names: true,
        ..Rules::default()
    };
    let mill = create_with(
        &d,
        Kind::Group,
        json!({"displayName": "Mill"}),
        &[],
        &unique,
    )
    .unwrap();
    let error = create_with(
        &d,
        Kind::Group,
        json!({"displayName": "MILL"}),
        &[],
        &unique,
    )
    .unwrap_err();
    assert_eq!(scim(error).status, 409);
    let other = create_with(
        &d,
        Kind::Group,
        json!({"displayName": "Bakery"}),
        &[],
        &unique,
    )
    .unwrap();
    let rename = |name: &str| json!([{"op": "replace", "path": "displayName", "value": name}]);
    let error = patch_with(&d, &other.stored.id, &rename("mill"), &unique).unwrap_err();
    assert_eq!(scim(error).status, 409);
    patch_with(&d, &mill.stored.id, &rename("mill"), &unique).unwrap();
    patch_with(&d, &other.stored.id, &rename("Mill"), &Rules::default()).unwrap();
}

fn a_returning_person_is_a_conflict_or_comes_back() {
    let d = Directory::new();
    let away = json!({"userName": "ada", "active": false, "title": "Miller", "externalId": "7"});
    let ada = d.create(Kind::User, document(away)).unwrap();
    let back = json!({"userName": "Ada", "externalId": "8"});
    let error = create_with(&d, Kind::User, back.clone(), &[], &Rules::default()).unwrap_err();
    assert_eq!(scim(error).status, 409);
    let reviving = Rules {
        revive_inactive: true,
        ..Rules::default()
    };
    let written = create_with(&d, Kind::User, back.clone(), &[], &reviving).unwrap();
    assert!(written.revived);
    assert_eq!(written.stored.id, ada.id);
    let body = common::json_body(&written.stored);
    assert_eq!(
        (&body["active"], &body["externalId"], &body["userName"]),
        (&json!(true), &json!("8"), &json!("Ada"))
    );
    assert!(body.get("title").is_none());
    // Now the person is there: a conflict like any other.
    let error = create_with(&d, Kind::User, back, &[], &reviving).unwrap_err();
    assert_eq!(scim(error).status, 409);
    assert_eq!(d.count(Kind::User), 1);
}

common::engine::on_both_engines! {
    a_deleted_person_comes_back_as_before,
    a_deleted_group_comes_back_with_its_members,
    a_name_that_was_given_away_is_a_conflict_and_changes_nothing,
    what_is_purged_is_gone_for_good,
    deleted_ones_are_listed_in_pages,
    unknown_members_are_refused_skipped_or_parked,
    parked_members_can_be_taken_back,
    a_large_group_is_not_emptied_by_mistake,
    a_put_without_members_clears_or_keeps_them,
    group_names_are_unique_where_a_client_wants_it,
    a_returning_person_is_a_conflict_or_comes_back,
}
