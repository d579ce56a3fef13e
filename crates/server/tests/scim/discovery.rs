//! What the server says about itself (RFC 7644 section 4).

use axum::{body::Body, http::Request};
use serde_json::json;

use crate::harness::{BASE, GROUP, USER, World};

#[tokio::test]
async fn configuration_is_public() {
    let world = World::new().await;
    let request = Request::builder()
        .uri("/scim/v2/ServiceProviderConfig")
        .body(Body::empty())
        .unwrap();
    let config = world.send(request).await.expect(200);
    for (feature, supported) in [
        ("patch", true),
        ("bulk", true),
        ("filter", true),
        ("sort", true),
        ("etag", true),
    ] {
        assert_eq!(config[feature]["supported"], supported, "{feature}");
    }
    assert_eq!(
        config["pagination"],
        json!({
            "cursor": true, "index": true, "defaultPaginationMethod": "index",
            "defaultPageSize": 100, "maxPageSize": 1000, "cursorTimeout": 3600,
        })
    );
    assert_eq!(
        config["meta"]["location"],
        format!("{BASE}/ServiceProviderConfig")
    );
    for path in ["/scim/Schemas", "/scim/ResourceTypes"] {
        let request = Request::builder().uri(path).body(Body::empty()).unwrap();
        world.send(request).await.refused(401, None);
    }
}

#[tokio::test]
async fn lists_and_single_documents_agree() {
    let world = World::new().await;
    for (path, wanted) in [
        ("/scim/Schemas", [USER, GROUP]),
        ("/scim/ResourceTypes", ["User", "Group"]),
    ] {
        let list = world
            .get(&format!("{path}?startIndex=5&count=1&attributes=id"))
            .await
            .expect(200);
        let resources = list["Resources"].as_array().unwrap();
        assert_eq!(list["totalResults"], resources.len());
        for id in wanted {
            let resource = resources
                .iter()
                .find(|resource| resource["id"] == id)
                .unwrap();
            for spelling in [id.to_owned(), id.to_uppercase(), id.replace(':', "%3A")] {
                assert_eq!(
                    &world.get(&format!("{path}/{spelling}")).await.expect(200),
                    resource
                );
            }
            assert_eq!(
                resource["meta"]["location"],
                format!("{BASE}{}/{id}", &path[5..])
            );
        }
        world
            .get(&format!("{path}/nothing"))
            .await
            .refused(404, None);
        world
            .get(&format!("{path}?filter=id+eq+%22x%22"))
            .await
            .refused(403, None);
    }
    world
        .get("/scim/ServiceProviderConfig?filter=x")
        .await
        .refused(403, None);
    let user = world.get("/scim/ResourceTypes/User").await.expect(200);
    assert_eq!(
        (&user["endpoint"], &user["schema"]),
        (&json!("/Users"), &json!(USER))
    );
}
