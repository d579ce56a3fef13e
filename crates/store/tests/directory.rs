//! Users, groups and members through the public interface.

#![expect(
    clippy::unwrap_used,
    clippy::cloned_ref_to_slice_refs,
    reason = "a test that cannot go on has failed; lists of ids are compared as lists"
)]

mod common;

use common::{Directory, document, group, json_body, user};
use serde_json::json;
use tenure_scim::{ScimError, patch::MemberRef};
use tenure_store::{Error, Kind, audit, change, membership, resource};

fn scim(error: Error) -> ScimError {
    match error {
        Error::Scim(error) => error,
        other => panic!("not a SCIM error: {other}"),
    }
}

fn create_get_patch_delete() {
    let d = Directory::new();
    let created = d.create(Kind::User, user("ada")).unwrap();
    assert_eq!((created.version, created.label().as_str()), (1, "ada"));
    assert_eq!(d.get(Kind::User, &created.id).unwrap(), created);
    assert_eq!(d.get(Kind::Group, &created.id), None);

    let request = json!([{"op": "replace", "path": "displayName", "value": "Ada Okafor"}]);
    let (patched, changed) = d.patch(Kind::User, &created.id, None, &request).unwrap();
    assert!(changed);
    assert_eq!(patched.version, 2);
    assert_eq!(json_body(&patched)["displayName"], "Ada Okafor");

    d.delete(Kind::User, &created.id).unwrap();
    assert_eq!(d.get(Kind::User, &created.id), None);
    let (buried, deleted) = d.by_rid(created.rid).unwrap();
    assert!(deleted);
    assert_eq!(json_body(&buried)["userName"], "ada");
    assert_eq!(
        scim(d.delete(Kind::User, &created.id).unwrap_err()).status,
        404
    );
}

fn the_stored_body_holds_nothing_that_is_kept_beside_it() {
    let d = Directory::new();
    let mut body = user("ada");
    for key in ["id", "meta", "groups", "members"] {
        body.insert(key.to_owned(), json!("x"));
    }
    let created = d.create(Kind::User, body).unwrap();
    let mut keys: Vec<String> = json_body(&created)
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect();
    keys.sort();
    assert_eq!(keys, ["schemas", "userName"]);
}

fn a_patch_without_effect_leaves_version_and_feed_alone() {
    let d = Directory::new();
    let ada = d.create(Kind::User, user("ada")).unwrap();
    let team = d.create_group("Team", &[&ada.id]).unwrap();
    let before = (d.feed(0).len(), d.audit().len());
    let same_name = json!([{"op": "replace", "path": "userName", "value": "ada"}]);
    let (stored, changed) = d.patch(Kind::User, &ada.id, None, &same_name).unwrap();
    assert_eq!((changed, stored.version), (false, 1));
    let same_member = json!([{"op": "add", "path": "members", "value": [{"value": ada.id}]}]);
    let (stored, changed) = d.patch(Kind::Group, &team.id, None, &same_member).unwrap();
    assert_eq!((changed, stored.version), (false, 1));
    assert_eq!((d.feed(0).len(), d.audit().len()), before);
}

fn a_stale_tag_is_refused_and_nothing_is_written() {
    let d = Directory::new();
    let ada = d.create(Kind::User, user("ada")).unwrap();
    let request = json!([{"op": "replace", "path": "displayName", "value": "A"}]);
    d.patch(Kind::User, &ada.id, Some("W/\"1\""), &request)
        .unwrap();
    let request = json!([{"op": "replace", "path": "displayName", "value": "B"}]);
    let error = d
        .patch(Kind::User, &ada.id, Some("W/\"1\""), &request)
        .unwrap_err();
    assert_eq!(scim(error).status, 412);
    assert_eq!(
        json_body(&d.get(Kind::User, &ada.id).unwrap())["displayName"],
        "A"
    );
    d.patch(Kind::User, &ada.id, Some("\"1\", \"2\""), &request)
        .unwrap();
}

fn user_names_are_unique_without_case_and_free_after_deletion() {
    let d = Directory::new();
    let ada = d.create(Kind::User, user("Ada")).unwrap();
    let error = scim(d.create(Kind::User, user("aDA")).unwrap_err());
    assert_eq!(
        (error.status, error.scim_type.map(|t| t.as_str())),
        (409, Some("uniqueness"))
    );
    assert!(error.detail.contains("aDA"), "{}", error.detail);
    let bob = d.create(Kind::User, user("bob")).unwrap();
    let rename = json!([{"op": "replace", "path": "userName", "value": "ADA"}]);
    assert_eq!(
        scim(d.patch(Kind::User, &bob.id, None, &rename).unwrap_err()).status,
        409
    );
    // The same name in another spelling is no conflict with itself.
    d.patch(Kind::User, &ada.id, None, &rename).unwrap();
    d.delete(Kind::User, &ada.id).unwrap();
    d.create(Kind::User, user("ada")).unwrap();
}

fn members_are_rows_and_bump_the_group_only() {
    let d = Directory::new();
    let ada = d.create(Kind::User, user("ada")).unwrap();
    let bob = d.create(Kind::User, user("bob")).unwrap();
    let team = d.create_group("Team", &[&ada.id]).unwrap();
    let head = d.head();
    let add = json!([{"op": "add", "path": "members", "value": [{"value": bob.id}]}]);
    let (stored, changed) = d.patch(Kind::Group, &team.id, None, &add).unwrap();
    assert_eq!((changed, stored.version), (true, 2));
    assert!(stored.body == team.body, "members must not be in the body");
    let rows = d.feed(head);
    assert_eq!(rows.len(), 1);
    assert_eq!(
        (rows[0].kind, rows[0].rid, rows[0].other, rows[0].what),
        (
            Kind::Group,
            team.rid,
            Some(bob.rid),
            change::What::MemberAdded
        )
    );
    assert_eq!(d.get(Kind::User, &bob.id).unwrap().version, 1);
    assert_eq!(d.members(team.rid), [ada.id.clone(), bob.id.clone()]);

    let path = format!("members[value eq \"{}\"]", ada.id);
    let remove = json!([{"op": "remove", "path": path}]);
    d.patch(Kind::Group, &team.id, None, &remove).unwrap();
    assert_eq!(d.members(team.rid), [bob.id.clone()]);
    let replace = json!([{"op": "replace", "path": "members", "value": [{"value": ada.id}]}]);
    d.patch(Kind::Group, &team.id, None, &replace).unwrap();
    assert_eq!(d.members(team.rid), [ada.id.clone()]);
    let by_type = json!([{"op": "remove", "path": "members[type eq \"User\"]"}]);
    d.patch(Kind::Group, &team.id, None, &by_type).unwrap();
    assert!(d.members(team.rid).is_empty());
}

fn unknown_members_are_named_and_nothing_is_kept() {
    let d = Directory::new();
    let ada = d.create(Kind::User, user("ada")).unwrap();
    let refs = [&ada.id, "nobody-1", "nobody-2"];
    let error = scim(d.create_group("Team", &refs).unwrap_err());
    assert_eq!(
        (error.status, error.scim_type.map(|t| t.as_str())),
        (400, Some("invalidValue"))
    );
    assert!(error.detail.contains("nobody-1") && error.detail.contains("nobody-2"));
    assert_eq!(d.count(Kind::Group), 0);
    let team = d.create_group("Team", &[&ada.id]).unwrap();
    let own = json!([{"op": "add", "path": "members", "value": [{"value": team.id}]}]);
    assert_eq!(
        scim(d.patch(Kind::Group, &team.id, None, &own).unwrap_err()).status,
        400
    );
}

fn put_replaces_members_too() {
    let d = Directory::new();
    let ada = d.create(Kind::User, user("ada")).unwrap();
    let bob = d.create(Kind::User, user("bob")).unwrap();
    let team = d.create_group("Team", &[&ada.id]).unwrap();
    let body = json!({"displayName": "Team", "members": [{"value": bob.id}]});
    let (stored, changed) = d.replace(Kind::Group, &team.id, document(body)).unwrap();
    assert_eq!((changed, stored.version), (true, 2));
    assert_eq!(d.members(team.rid), [bob.id.clone()]);
    let body = json!({"displayName": "Team", "members": [{"value": bob.id}]});
    let (stored, changed) = d.replace(Kind::Group, &team.id, document(body)).unwrap();
    assert_eq!((changed, stored.version), (false, 2));
}

fn deletion_ends_memberships_on_both_sides() {
    let d = Directory::new();
    let ada = d.create(Kind::User, user("ada")).unwrap();
    let inner = d.create_group("Inner", &[&ada.id]).unwrap();
    let outer = d.create_group("Outer", &[&inner.id]).unwrap();
    let head = d.head();
    d.delete(Kind::Group, &inner.id).unwrap();
    let mut rows: Vec<_> = d
        .feed(head)
        .iter()
        .map(|c| (c.rid, c.other, c.what))
        .collect();
    rows.sort_by_key(|row| (row.0, row.1));
    assert_eq!(
        rows,
        [
            (inner.rid, None, change::What::Deleted),
            (inner.rid, Some(ada.rid), change::What::MemberRemoved),
            (outer.rid, Some(inner.rid), change::What::MemberRemoved),
        ]
    );
    assert_eq!(d.get(Kind::Group, &outer.id).unwrap().version, 2);
    assert!(d.members(outer.rid).is_empty());
    assert!(d.groups_of(ada.rid).is_empty());
}

fn groups_of_tells_direct_from_indirect_and_survives_cycles() {
    let d = Directory::new();
    let ada = d.create(Kind::User, user("ada")).unwrap();
    let a = d.create_group("A", &[&ada.id]).unwrap();
    let b = d.create_group("B", &[&a.id]).unwrap();
    let back = json!([{"op": "add", "path": "members", "value": [{"value": b.id}]}]);
    d.patch(Kind::Group, &a.id, None, &back).unwrap();
    assert_eq!(
        d.groups_of(ada.rid),
        [("A".to_owned(), true), ("B".to_owned(), false)]
    );
    assert_eq!(d.groups_of(a.rid), [("B".to_owned(), true)]);
}

fn groups_are_followed_sixteen_levels_up() {
    let d = Directory::new();
    let ada = d.create(Kind::User, user("ada")).unwrap();
    let mut below = ada.id.clone();
    for level in 1..=18 {
        below = d.create_group(&format!("L{level}"), &[&below]).unwrap().id;
    }
    let groups = d.groups_of(ada.rid);
    assert_eq!(groups.len(), 16);
    let filter = format!(
        "groups.value eq \"{}\"",
        d.by_name(Kind::Group, "displayName", "L16").id
    );
    assert_eq!(d.find(Kind::User, &filter), ["ada"]);
    let filter = format!(
        "groups.value eq \"{}\"",
        d.by_name(Kind::Group, "displayName", "L17").id
    );
    assert!(d.find(Kind::User, &filter).is_empty());
}

fn searching_pages_backwards_through_prefixes() {
    let d = Directory::new();
    for name in ["ada", "adam", "bob"] {
        let mut body = user(name);
        body.insert("name".to_owned(), json!({"familyName": "Ögren"}));
        d.create(Kind::User, body).unwrap();
    }
    let search = |text: &str, after: Option<i64>, limit: u32| {
        let (workspace, text) = (d.workspace, text.to_owned());
        let found = d.store.read_blocking(move |tx| {
            resource::search(tx, workspace, Kind::User, &text, after, limit)
        });
        found.unwrap()
    };
    let labels = |text: &str| -> Vec<String> {
        search(text, None, 10)
            .iter()
            .map(resource::Stored::label)
            .collect()
    };
    assert_eq!(labels("AD"), ["adam", "ada"]);
    assert_eq!(labels("ögr"), ["bob", "adam", "ada"]);
    assert_eq!(labels(""), ["bob", "adam", "ada"]);
    assert!(labels("da").is_empty());
    let first = search("ad", None, 1);
    let second = search("ad", Some(first[0].rid), 1);
    assert_eq!(second[0].label(), "ada");
}

fn the_audit_log_names_actor_action_and_object() {
    let d = Directory::new();
    let ada = d.create(Kind::User, user("ada")).unwrap();
    d.create_group("Team", &[&ada.id]).unwrap();
    let request = json!([{"op": "replace", "path": "nickName", "value": "A"}]);
    d.patch(Kind::User, &ada.id, None, &request).unwrap();
    d.delete(Kind::User, &ada.id).unwrap();
    let actions: Vec<String> = d
        .audit()
        .iter()
        .rev()
        .map(|entry| entry.action.clone())
        .collect();
    assert_eq!(
        actions,
        [
            "workspace.create",
            "user.create",
            "group.create",
            "group.member.add",
            "user.update",
            "user.delete"
        ]
    );
    let update = &d.audit()[1];
    assert_eq!(update.object, format!("User ada ({})", ada.id));
    assert!(update.detail.contains("nickName"), "{}", update.detail);
    assert_eq!(update.actor.kind, "system");
    let workspace = d.workspace;
    assert_eq!(
        d.store
            .read_blocking(move |tx| audit::verify(tx, workspace))
            .unwrap(),
        6
    );
}

fn every_page_of_members_comes_once() {
    let d = Directory::new();
    let ids: Vec<String> = (0..7)
        .map(|number| {
            d.create(Kind::User, user(&format!("u{number}")))
                .unwrap()
                .id
        })
        .collect();
    let refs: Vec<MemberRef> = ids
        .iter()
        .map(|id| MemberRef {
            value: id.clone(),
            kind: None,
        })
        .collect();
    let workspace = d.workspace;
    let team = d
        .write(move |tx| resource::create(tx, workspace, Kind::Group, &group("T"), &refs))
        .unwrap();
    let mut seen = Vec::new();
    let mut after = 0;
    loop {
        let page = d
            .store
            .read_blocking(move |tx| membership::members(tx, workspace, team.rid, after, 3));
        let page = page.unwrap();
        let Some(last) = page.last() else { break };
        after = last.rid;
        seen.extend(page.into_iter().map(|member| member.id));
    }
    assert_eq!(seen, ids);
}

fn groups_are_counted_up_to_a_limit() {
    let d = Directory::new();
    let ada = d.create(Kind::User, user("ada")).unwrap();
    let bob = d.create(Kind::User, user("bob")).unwrap();
    let team = d.create_group("Team", &[&ada.id, &bob.id]).unwrap();
    let exceeds = |limit| {
        let (workspace, rid) = (d.workspace, team.rid);
        let read =
            move |tx: &mut tenure_store::Tx<'_>| membership::exceeds(tx, workspace, rid, limit);
        d.store.read_blocking(read).unwrap()
    };
    assert_eq!([0, 1, 2, u64::MAX].map(exceeds), [true, true, false, false]);
}

common::engine::on_both_engines! {
    create_get_patch_delete,
    the_stored_body_holds_nothing_that_is_kept_beside_it,
    a_patch_without_effect_leaves_version_and_feed_alone,
    a_stale_tag_is_refused_and_nothing_is_written,
    user_names_are_unique_without_case_and_free_after_deletion,
    members_are_rows_and_bump_the_group_only,
    unknown_members_are_named_and_nothing_is_kept,
    put_replaces_members_too,
    deletion_ends_memberships_on_both_sides,
    groups_of_tells_direct_from_indirect_and_survives_cycles,
    groups_are_followed_sixteen_levels_up,
    groups_are_counted_up_to_a_limit,
    searching_pages_backwards_through_prefixes,
    the_audit_log_names_actor_action_and_object,
    every_page_of_members_comes_once,
}
