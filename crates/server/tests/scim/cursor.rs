//! Paging by cursor (RFC 9865).

use std::collections::HashSet;

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::harness::{Answer, World};

/// A list's page and its cursor.
fn page(answer: &Answer) -> (Vec<String>, Option<String>) {
    let list = answer.expect(200);
    assert_eq!(list.get("startIndex"), None);
    let resources = list["Resources"].as_array().unwrap();
    assert_eq!(list["itemsPerPage"], resources.len());
    let ids = resources
        .iter()
        .map(|resource| resource["id"].as_str().unwrap().to_owned())
        .collect();
    let next = list.get("nextCursor").map(|next| next.as_str().unwrap());
    let unreserved =
        |character: char| character.is_ascii_alphanumeric() || "-._~".contains(character);
    assert!(next.is_none_or(|next| next.chars().all(unreserved)));
    (ids, next.map(str::to_owned))
}

/// All ids of a list, page by page.
async fn walk(world: &World, path: &str, query: &str) -> Vec<String> {
    let (mut ids, mut cursor) = (Vec::new(), String::new());
    loop {
        let answer = world.get(&format!("{path}?{query}&cursor={cursor}")).await;
        let (page, next) = page(&answer);
        ids.extend(page);
        match next {
            Some(next) => cursor = next,
            None => return ids,
        }
    }
}

async fn index(world: &World, path: &str, query: &str) -> Vec<String> {
    let list = world
        .get(&format!("{path}?{query}&count=1000"))
        .await
        .expect(200);
    list["Resources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|resource| resource["id"].as_str().unwrap().to_owned())
        .collect()
}

async fn people(count: usize) -> World {
    let world = World::new().await;
    for number in 0..count {
        let name = format!("u{}", (number * 7) % count);
        world.user(&name).await;
        if number % 4 == 0 {
            world.group(&name, &[]).await;
        }
    }
    world
}

#[tokio::test]
async fn pages_make_up_the_list() {
    let world = people(10).await;
    for path in ["/scim/Users", "/scim/v2", "/scim/Groups"] {
        for query in [
            "",
            "sortBy=meta.created&sortOrder=descending",
            "sortBy=displayName",
            "filter=meta.created+pr+and+id+pr",
            "filter=externalId+eq+null&attributes=id",
        ] {
            let expected = index(&world, path, query).await;
            assert!(!expected.is_empty());
            for count in [1, 3, 10, 13, 14] {
                let found = walk(&world, path, &format!("{query}&count={count}")).await;
                assert_eq!(found, expected, "{path} {query} {count}");
            }
        }
    }
    assert_eq!(
        walk(&world, "/scim/Users", "sortBy=userName&count=3").await,
        index(&world, "/scim/Users", "sortBy=userName").await
    );
}

#[tokio::test]
async fn search_requests_page_by_cursor() {
    let world = people(5).await;
    for path in ["/scim/Users/.search", "/scim/.search"] {
        let mut body =
            json!({"cursor": "", "count": 2, "filter": "userName pr", "sortBy": "userName"});
        let mut ids = Vec::new();
        loop {
            let answer = world.post(path, &body).await;
            assert_eq!(answer.expect(200)["totalResults"], 5);
            let (page, next) = page(&answer);
            ids.extend(page);
            let Some(next) = next else { break };
            body["cursor"] = next.into();
        }
        assert_eq!(ids, index(&world, "/scim/Users", "sortBy=userName").await);
    }
}

#[tokio::test]
async fn without_a_cursor_pages_have_an_index() {
    let world = people(3).await;
    for query in ["", "?startIndex=2", "?count=1"] {
        let list = world.get(&format!("/scim/Users{query}")).await.expect(200);
        assert!(list.get("startIndex").is_some() && list.get("nextCursor").is_none());
    }
    // Nothing follows a page that shows nothing.
    let list = world.get("/scim/Users?cursor&count=0").await;
    assert_eq!(page(&list), (Vec::new(), None));
    assert_eq!(list.expect(200)["totalResults"], 3);
    let (ids, next) = page(&world.get("/scim/Users?cursor=").await);
    assert_eq!((ids.len(), next), (3, None));
}

#[tokio::test]
async fn cursors_hold_for_their_list_alone() {
    let world = people(6).await;
    let first = "filter=userName+pr&sortBy=userName&count=2";
    let (_, next) = page(&world.get(&format!("/scim/Users?{first}&cursor")).await);
    let cursor = next.unwrap();
    let get = |path: &str, query: &str| {
        let path = format!("{path}?{query}&cursor={cursor}");
        let world = &world;
        async move { world.get(&path).await }
    };
    // What is shown may change, and the count may be left out.
    for query in [first, "filter=userName+pr&sortBy=userName&attributes=id"] {
        assert_eq!(page(&get("/scim/Users", query).await).0.len(), 2);
    }
    for (path, query) in [
        ("/scim/Users", "sortBy=userName&count=2"),
        ("/scim/Users", "filter=userName+pr&count=2"),
        (
            "/scim/Users",
            "filter=userName+ne+%22x%22&sortBy=userName&count=2",
        ),
        (
            "/scim/Users",
            "filter=userName+pr&sortBy=userName&sortOrder=descending&count=2",
        ),
        ("/scim", first),
    ] {
        get(path, query).await.refused(400, Some("invalidCursor"));
    }
    let other = world.with_token(&world.workspace("Looms").await);
    let path = format!("/scim/Users?{first}&cursor={cursor}");
    other.get(&path).await.refused(400, Some("invalidCursor"));
    world.with_token("x").get(&path).await.refused(401, None);
    for count in ["3", "x"] {
        let query = format!("filter=userName+pr&sortBy=userName&count={count}");
        get("/scim/Users", &query)
            .await
            .refused(400, Some("invalidCount"));
    }
    let query = format!("{first}&startIndex=3");
    get("/scim/Users", &query)
        .await
        .refused(400, Some("invalidValue"));
    let mut forged = cursor.clone().into_bytes();
    for at in [0, forged.len() / 2, forged.len() - 2] {
        forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
        let cursor = String::from_utf8(forged.clone()).unwrap();
        let path = format!("/scim/Users?{first}&cursor={cursor}");
        world.get(&path).await.refused(400, Some("invalidCursor"));
    }
    for cursor in ["x", "%C3%A4", "AAAA"] {
        let path = format!("/scim/Users?{first}&cursor={cursor}");
        world.get(&path).await.refused(400, Some("invalidCursor"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is created on the way, nobody is shown twice and nobody who was there is left out.
    #[test]
    fn creations_meanwhile_repeat_nobody(
        names in prop::collection::hash_set("[a-c]{3}", 3..12),
        new in prop::collection::vec("[a-c]{4}", 12),
        count in 1..4_usize,
        sorted: bool,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let (before, seen) = runtime.block_on(async {
            let world = World::new().await;
            let mut before = HashSet::new();
            for name in &names {
                before.insert(world.user(name).await);
            }
            let sort = if sorted { "sortBy=userName" } else { "" };
            let (mut seen, mut cursor) = (Vec::new(), String::new());
            let mut new = new.iter();
            loop {
                let path = format!("/scim/Users?{sort}&count={count}&cursor={cursor}");
                let (ids, next) = page(&world.get(&path).await);
                seen.extend(ids);
                let Some(next) = next else { return (before, seen) };
                cursor = next;
                if let Some(name) = new.next() {
                    let body: Value = json!({"userName": name});
                    // Taken names are no matter here.
                    world.post("/scim/Users", &body).await;
                }
            }
        });
        let different: HashSet<String> = seen.iter().cloned().collect();
        prop_assert_eq!(different.len(), seen.len());
        prop_assert!(before.is_subset(&different));
    }
}
