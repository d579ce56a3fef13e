"""RFC 7643 section 4.1: users."""

import base64

import pytest
from client import add, message, new_user, path_of, remove, replace, requirement, unique, values

import tenure


@requirement("7643-4.1.1-01", "7644-3.3-08")
@pytest.mark.parametrize("name", ["", " ", "\t", None, 7, ["ada"], {"value": "ada"}])
def test_user_name_is_needed(scim, user, name):
    scim.error(400, "invalidValue", "POST", "/Users", {"schemas": [tenure.USER], "userName": name})
    scim.error(400, "invalidValue", "PUT", path_of(user), {"schemas": [tenure.USER], "userName": name})
    scim.refuse("invalidValue", user, replace("userName", name))


@requirement("7643-4.1.1-01")
def test_user_name_cannot_be_left_out(scim, user):
    scim.error(400, "invalidValue", "POST", "/Users", {"schemas": [tenure.USER]})
    scim.error(400, "invalidValue", "PUT", path_of(user), {"schemas": [tenure.USER], "title": "Weaver"})


@requirement("7643-4.1.1-02", "7643-7-14", "7644-3.3-05", "7644-3.5.1-11", "7643-4.1.1-03")
def test_user_name_is_unique(scim, user):
    other = scim.user()
    for taken in (user["userName"], user["userName"].upper()):
        assert "userName" in scim.error(409, "uniqueness", "POST", "/Users", new_user(userName=taken))
        scim.error(409, "uniqueness", "PUT", path_of(other), new_user(userName=taken))
        scim.error(409, "uniqueness", "PATCH", path_of(other), message(replace("userName", taken)))
    assert scim.read(other) == other
    # One's own name, in another case too, is no conflict.
    again = scim.change(user, replace("userName", user["userName"].upper()))
    assert again["userName"] == user["userName"].upper()


@requirement("7643-4.1.1-03", "client habit 20")
def test_case_of_user_name(scim):
    user = scim.user(userName=unique("Ada"))
    for name in (user["userName"].lower(), user["userName"].upper()):
        for condition in (f'userName eq "{name}"', f'userName sw "{name}"', f'userName co "{name[1:]}"'):
            assert scim.find(condition) == {user["id"]}
    assert scim.read(user)["userName"] == user["userName"]


NAME = {
    "formatted": "Dr. Ada Maria Okafor III",
    "familyName": "Okafor",
    "givenName": "Ada",
    "middleName": "Maria",
    "honorificPrefix": "Dr.",
    "honorificSuffix": "III",
}


@requirement("7643-4.1.1-04")
@pytest.mark.parametrize("name", [NAME, {"formatted": "Ada Okafor"}, {"familyName": "Okafor", "givenName": "Ada"}])
def test_names(scim, name):
    assert scim.user(name=name)["name"] == name


@requirement("7643-4.1.1-05", "7643-4.1.1-07", "7643-4.1.1-08", "7643-4.1.1-09", "7643-4.1.1-10")
@pytest.mark.parametrize(
    ("attribute", "texts"),
    [
        ("displayName", ["Ada", "Ada O. (weaving)"]),
        ("userType", ["Employee", "Contractor", "anything / at all"]),
        ("preferredLanguage", ["en", "da, en-GB;q=0.8, en;q=0.7"]),
        ("locale", ["en-US", "en_US", "zh-Hant-TW"]),
        ("timezone", ["Europe/Berlin", "America/Argentina/Buenos_Aires"]),
        ("title", ["Weaver"]),
        ("nickName", ["A"]),
    ],
)
def test_free_texts(scim, attribute, texts):
    for text in texts:
        user = scim.user(**{attribute: text})
        assert user[attribute] == text
        assert user["id"] in scim.find(f'{attribute} eq "{text}"')


@requirement("7643-4.1.1-11", "client habit 18")
def test_active(scim):
    user = scim.user(active=True)
    assert user["active"] is True
    user = scim.change(user, replace("active", False))
    assert user["active"] is False
    assert scim.find(f'active eq false and userName eq "{user["userName"]}"') == {user["id"]}
    assert scim.find(f'active eq true and userName eq "{user["userName"]}"') == set()
    assert scim.read(user)["active"] is False


def stored_bytes(folder):
    for path in folder.rglob("*"):
        if path.is_file():
            yield path, path.read_bytes()


@requirement("7643-4.1.1-12", "7643-4.1.1-13", "7643-9-01", "7643-7-09", "7643-7-11", "client habit 26", "7644-3.9-09")
def test_passwords_are_shown_and_stored_nowhere(scim, service):
    secret = unique("Correct-Horse")
    user = scim.user(password=secret)
    path = path_of(user)
    answers = [
        scim.request("GET", path),
        scim.request("GET", path, params={"attributes": "password"}),
        scim.request("GET", "/Users", params={"attributes": "password,userName", "count": 5}),
        scim.request("PUT", path, new_user(userName=user["userName"], password=secret)),
        scim.request("PATCH", path, message(replace("password", secret))),
        scim.request(
            "PATCH", path, message({"op": "add", "value": {"password": secret}}), params={"attributes": "password"}
        ),
        scim.request("POST", "/Users", new_user(userName=user["userName"], password=secret)),
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 200, 200, 200, 409]
    for answer in answers:
        assert secret not in answer.text
        assert '"password"' not in answer.text
    assert "password" not in user
    encoded = [secret.encode(), base64.b64encode(secret.encode()).rstrip(b"=")[:-1]]
    for place, content in stored_bytes(service.data):
        assert not any(form in content for form in encoded), place
    assert secret not in service.log.read_text()


@requirement("7643-4.1.1-14", "7644-3.4.2.2-26")
@pytest.mark.parametrize("condition", ['eq "x"', 'sw "x"', 'co "x"', 'ew "x"', 'ne "x"', 'gt "a"', "pr", "eq null"])
def test_passwords_cannot_be_filtered_by(scim, condition):
    scim.user(password="x")
    for path in ("password", f"{tenure.USER}:PASSWORD"):
        scim.error(400, "invalidFilter", "GET", "/Users", params={"filter": f"{path} {condition}"})
        scim.error(400, "invalidFilter", "GET", "/Users", params={"filter": f"not ({path} {condition})"})


@requirement("7643-4.1.1-15")
def test_passwords_are_texts(scim):
    """Nothing is kept, so a password of any shape is accepted: Okta sends random ones."""
    for secret in ("", "x", "пароль", "p" * 200):
        assert "password" not in scim.user(password=secret)
    for wrong in (7, ["secret-1"], {"value": "secret-1"}):
        detail = scim.error(400, "invalidValue", "POST", "/Users", new_user(password=wrong))
        assert "secret-1" not in detail
    configuration = scim.get("/ServiceProviderConfig")
    assert configuration["changePassword"]["supported"] is False


@requirement("7643-4.1.2-01")
def test_mail_addresses(scim):
    address = f"{unique('ada+tag')}@mills.example"
    user = scim.user(emails=[{"value": address, "type": "work"}])
    assert values(user, "emails") == [address]
    assert scim.find(f'emails.value eq "{address}"') == {user["id"]}


@requirement("7643-4.1.2-02")
@pytest.mark.parametrize("number", ["tel:+44-20-7946-0000", "+44 20 7946 0000", "020 7946 0000 ext. 7", "tel:7;ext=3"])
def test_telephone_numbers(scim, number):
    assert values(scim.user(phoneNumbers=[{"value": number, "type": "work"}]), "phoneNumbers") == [number]


@requirement("7643-4.1.2-05", "7643-4.1.2-06")
def test_addresses(scim):
    address = {
        "formatted": "1 Mill Lane\nLeeds LS1 1AA\nGB",
        "streetAddress": "1 Mill Lane\r\nGate 3",
        "locality": "Leeds",
        "region": "West Yorkshire",
        "postalCode": "LS1 1AA",
        "country": "GB",
        "type": "work",
        "primary": True,
    }
    user = scim.user(addresses=[address])
    assert user["addresses"] == [address]
    assert user["id"] in scim.find('addresses[country eq "GB" and locality eq "leeds"]')
    schema = {item["name"]: item for item in scim.get(f"/Schemas/{tenure.USER}")["attributes"]}
    country = {part["name"]: part for part in schema["addresses"]["subAttributes"]}["country"]
    assert "3166" in country["description"]


@requirement("7643-4.1.2-07", "7643-4.1.2-08", "7643-4.1.2-09")
def test_groups_of_a_user(scim):
    unrelated = scim.group()
    user = scim.user(groups=[{"value": unrelated["id"]}])
    assert "groups" not in user
    group = scim.group(user)
    user = scim.read(user)
    expected = {"value": group["id"], "$ref": group["meta"]["location"], "type": "direct"}
    assert expected.items() <= user["groups"][0].items()
    assert len(user["groups"]) == 1
    scim.refuse("mutability", user, add("groups", [{"value": unrelated["id"]}]))
    scim.refuse("mutability", user, remove("groups"))
    scim.refuse("mutability", user, replace(f'groups[value eq "{group["id"]}"].value', unrelated["id"]))
    user = scim.put(user, new_user(groups=[{"value": unrelated["id"]}]))
    assert values(user, "groups") == [group["id"]]
    assert "members" not in scim.read(unrelated)
    scim.change(group, remove(f'members[value eq "{user["id"]}"]'))
    assert "groups" not in scim.read(user)


@requirement("7643-4.1.2-08")
def test_users_can_be_found_by_their_group(scim, user):
    group = scim.group(user)
    assert scim.find(f'groups.value eq "{group["id"]}"') == {user["id"]}
    assert scim.find(f'groups[value eq "{group["id"]}"]') == {user["id"]}


@requirement("7643-4.1.2-10")
def test_certificates(scim):
    certificate = base64.b64encode(bytes(range(256)) * 3).decode()
    user = scim.user(x509Certificates=[{"value": certificate, "type": "signing"}])
    assert values(user, "x509Certificates") == [certificate]
    scim.error(
        400, "invalidValue", "POST", "/Users", new_user(x509Certificates=[{"value": [certificate, certificate]}])
    )
    pem = f"-----BEGIN CERTIFICATE-----\n{certificate}\n-----END CERTIFICATE-----"
    scim.error(400, "invalidValue", "POST", "/Users", new_user(x509Certificates=[{"value": pem}]))


@requirement("7643-4.1.2-11")
def test_roles_and_entitlements(scim):
    given = [{"value": "loom 7", "display": "The seventh loom"}, {"value": "kgrp:ädmin"}]
    user = scim.user(roles=given, entitlements=given)
    assert user["roles"] == user["entitlements"] == given
    assert user["id"] in scim.find('roles.value eq "LOOM 7" and entitlements co "ädmin"')
