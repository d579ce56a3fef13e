//! "Why" in the API.

use serde_json::json;
use tenure_store::{Actor, application, assignment, resource, workspace};

use super::World;

/// Users and an application that some of them are assigned to, by id.
async fn furnished(world: &World) -> (String, String) {
    let (_, ada) = world
        .scim(
            "POST",
            "/Users",
            Some(json!({"userName": "ada", "displayName": "Ada"})),
        )
        .await;
    let id = ada["id"].as_str().unwrap().to_owned();
    let (of, user) = (world.name, id.clone());
    let application = world
        .store
        .write(Actor::system(), move |tx| {
            let workspace = workspace::find(tx, of)?.unwrap().id;
            let config = tenure_plan::gallery::template("custom").unwrap().config;
            let config = serde_json::to_string(&config).unwrap();
            let made = application::create(tx, workspace, "Pay roll", "custom", "", None, &config)?;
            let rid = resource::rid_of(tx, workspace, tenure_store::Kind::User, &user)?;
            assignment::add(tx, workspace, made.key, rid)?;
            Ok(made.id)
        })
        .await
        .unwrap();
    (id, application)
}

#[tokio::test]
async fn one_person_at_one_application() {
    let (world, other) = World::pair().await;
    let (id, application) = furnished(&world).await;
    for path in [
        format!("/applications/{application}/why?user=ada"),
        format!("/applications/Pay%20roll/why?user={id}"),
    ] {
        let (status, why) = world.api("GET", &path, None).await;
        assert_eq!(status, 200, "{why}");
        assert_eq!((&why["id"], &why["kind"]), (&json!(id), &json!("User")));
        assert_eq!(why["scope"]["assignedDirectly"], true);
        assert_eq!(
            why["matching"][0],
            json!({"attribute": "userName", "value": "ada"})
        );
        assert_eq!(
            (&why["next"]["action"], &why["account"]),
            (&json!("match"), &json!(null))
        );
        assert_eq!(why["provisioning"]["state"], "not-started");
        assert!(
            why["summary"]
                .as_str()
                .unwrap()
                .contains("Provisioning is off")
        );
        let (status, _) = other.api("GET", &path, None).await;
        assert_eq!(status, 404, "{path}");
    }
    // Whoever was deleted can still be asked about, by id.
    world.scim("DELETE", &format!("/Users/{id}"), None).await;
    let path = format!("/applications/{application}/why?user={id}");
    let (status, why) = world.api("GET", &path, None).await;
    assert_eq!((status, &why["scope"]["exists"]), (200, &json!(false)));
    for (query, status) in [
        ("user=ada", 404),
        ("group=Crew", 404),
        ("", 422),
        ("user=ada&group=Crew", 422),
        ("person=ada", 422),
    ] {
        let path = format!("/applications/{application}/why?{query}");
        assert_eq!(world.api("GET", &path, None).await.0, status, "{query}");
    }
    assert_eq!(
        world
            .api("GET", "/applications/None/why?user=ada", None)
            .await
            .0,
        404
    );
}
