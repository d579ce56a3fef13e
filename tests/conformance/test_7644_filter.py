"""RFC 7644 section 3.4.2.2: filters.

Three people, of whom each row of a table says who matches; the workspace has others as well.
"""

import pytest
from client import DEPARTMENT, MANAGER, requirement, unique

import tenure


@pytest.fixture(scope="module")
def who(new_workspace):
    """Answers a filter with the names of those who match."""
    scim = new_workspace("Filters")
    boss = scim.user(userName="boss")
    people = {
        "ada": scim.user(
            userName="Ada.Okafor",
            externalId="E-Ada",
            title="Weaver",
            displayName='Ada "A" Okafor',
            active=True,
            name={"givenName": "Ada", "familyName": "Okafor"},
            emails=[
                {"value": "ada@mills.example", "type": "work", "primary": True},
                {"value": "ada@home.example", "type": "home"},
            ],
            profileUrl="https://people.example/Ada",
            **{tenure.ENTERPRISE: {"department": "Dyes", "manager": {"value": boss["id"]}}},
        ),
        "ben": scim.user(
            userName="ben.lind",
            title="weaver's mate",
            active=False,
            name={"familyName": "Lind"},
            nickName="",
            emails=[{"value": "ben@home.example", "type": "work"}, {"value": "ben@mills.example", "type": "home"}],
            roles=[{"value": "dyer"}],
        ),
        "cy": scim.user(userName="Cy_Fang"),
    }
    names = {person["id"]: name for name, person in people.items()}

    def matching(condition, **params):
        return " ".join(sorted(names[found] for found in scim.find(condition, **params) if found in names))

    matching.scim, matching.people, matching.boss = scim, people, boss
    return matching


def check(*rows):
    return pytest.mark.parametrize(("condition", "expected"), rows)


@requirement("7644-3.4.2.2-01", "7644-3.4.2.2-04", "7644-3.4.2.2-17")
@check(
    ('userName eq "ada.okafor"', "ada"),
    ('title eq "WEAVER"', "ada"),
    ('title eq "weav"', ""),
    ('externalId eq "E-Ada"', "ada"),
    ('externalId eq "e-ada"', ""),
    ('externalId co "ada"', ""),
    ('externalId sw "E-"', "ada"),
    ("active eq true", "ada"),
    ("active eq false", "ben"),
    ('name.familyName eq "lind"', "ben"),
    ('profileUrl eq "https://people.example/Ada"', "ada"),
    ('profileUrl eq "https://people.example/ada"', ""),
)
def test_equal(who, condition, expected):
    assert who(condition) == expected


@requirement("7644-3.4.2.2-05", "contested-20", "contested-21")
@check(
    ('title ne "Weaver"', "ben cy"),
    ("active ne true", "ben cy"),
    ('emails.type ne "work"', "ada ben cy"),
    ('not (emails.type eq "work")', "cy"),
    ('emails.value ne "ada@mills.example"', "ada ben cy"),
    ('roles ne "dyer"', "ada cy"),
    ('not (roles eq "dyer")', "ada cy"),
    ('externalId ne "E-Ada"', "ben cy"),
)
def test_not_equal(who, condition, expected):
    assert who(condition) == expected


@requirement("7644-3.4.2.2-06")
@check(
    ('title co "EAVE"', "ada ben"),
    ('title sw "weaver"', "ada ben"),
    ('title ew "mate"', "ben"),
    ('title ew "weaver"', "ada"),
    ('title co "Weaver"', "ada ben"),
    ('userName co "_"', "cy"),
    ('userName co "%"', ""),
    ('title co "*"', ""),
    ('emails.value ew "@home.example"', "ada ben"),
)
def test_parts_of_texts(who, condition, expected):
    assert who(condition) == expected


@requirement("7644-3.4.2.2-07", "contested-12", "contested-22")
@check(
    ("title pr", "ada ben"),
    ("nickName pr", ""),
    ("name pr", "ada ben"),
    ("name.givenName pr", "ada"),
    ("emails pr", "ada ben"),
    ("emails.primary pr", "ada"),
    ("active pr", "ada ben"),
    ("not (title pr)", "cy"),
    ("userName pr", "ada ben cy"),
    (f"{DEPARTMENT} pr", "ada"),
    (f"{MANAGER} pr", "ada"),
    ("meta pr and id pr and schemas pr", "ada ben cy"),
)
def test_present(who, condition, expected):
    assert who(condition) == expected


@requirement("7644-3.4.2.2-08", "contested-25", "contested-26")
@check(
    ('userName gt "b"', "ben cy"),
    ('userName ge "BEN.LIND"', "ben cy"),
    ('userName lt "ben.lind"', "ada"),
    ('userName le "ben.lind"', "ada ben"),
    ('externalId lt "a"', "ada"),
    ('meta.created gt "2001-01-01T00:00:00Z"', "ada ben cy"),
    ('meta.created lt "2001-01-01T00:00:00Z"', ""),
    ('meta.created ge "2001-01-01T00:00:00.000+14:00"', "ada ben cy"),
    ('title gt "weaver"', "ben"),
    ('emails.value lt "ada@i"', "ada"),
)
def test_order_of_values(who, condition, expected):
    assert who(condition) == expected


@requirement("7644-3.4.2.2-08", "contested-26")
def test_instants(who):
    ada = who.people["ada"]
    created = ada["meta"]["created"]
    later, earlier = created.replace("Z", "+00:00"), created.replace("Z", "")
    for same in (created, later, earlier):
        assert who.scim.find(f'id eq "{ada["id"]}" and meta.created eq "{same}"') == {ada["id"]}
        assert who.scim.find(f'id eq "{ada["id"]}" and meta.created gt "{same}"') == set()
    assert who.scim.find(f'id eq "{ada["id"]}" and meta.created eq "{created.replace("Z", "+01:00")}"') == set()


@requirement("7644-3.4.2.2-09")
@pytest.mark.parametrize("operator", ["gt", "ge", "lt", "le"])
def test_values_without_order(who, operator):
    for left, right in (("active", "true"), ("x509Certificates.value", '"AAAA"'), ("emails.primary", "false")):
        who.scim.error(400, "invalidFilter", "GET", "/Users", params={"filter": f"{left} {operator} {right}"})


@requirement("7644-3.4.2.2-10", "7644-3.4.2.2-11", "7644-3.4.2.2-12", "contested-18")
@check(
    ('userName sw "cy" or title pr and active eq true', "ada cy"),
    ('title pr and active eq true or userName sw "cy"', "ada cy"),
    ('(userName sw "cy" or title pr) and active eq true', "ada"),
    ("not (active eq true) and title pr", "ben"),
    ("not (active eq true and title pr)", "ben cy"),
    ("not(active eq true)", "ben cy"),
    ("NOT   ( active eq true )", "ben cy"),
    ("not (not (active eq true))", "ada"),
    ("((((title pr))))", "ada ben"),
    ('userName eq "Cy_Fang" or userName eq "ben.lind" or userName eq "Ada.Okafor"', "ada ben cy"),
)
def test_logic(who, condition, expected):
    assert who(condition) == expected


@requirement("7644-3.4.2.2-13", "contested-19")
@check(
    ('emails[type eq "work" and value co "mills"]', "ada"),
    ('emails[type eq "home" and value co "mills"]', "ben"),
    ('emails.type eq "work" and emails.value co "home"', "ada ben"),
    ('emails[type eq "work" or value co "mills"]', "ada ben"),
    ('emails[(type eq "work" and value co "home") or primary eq true]', "ada ben"),
    ('emails[not (type eq "work")]', "ada ben"),
    ('emails[not (type eq "work") and value co "mills"]', "ben"),
    ('emails[ type eq "work" ]', "ada ben"),
    ('emails[type eq "other"]', ""),
    ('not (emails[type eq "work"])', "cy"),
    ('emails[type eq "work"] and active eq true', "ada"),
    ('name[familyName eq "Okafor" and givenName pr]', "ada"),
)
def test_brackets(who, condition, expected):
    assert who(condition) == expected


@requirement("7644-3.4.2.2-13", "client habit 13")
@check(
    ('emails[type eq "work"].value eq "ada@mills.example"', "ada"),
    ('emails[type eq "work"].value eq "ben@mills.example"', ""),
    ('emails[type eq "work" and value eq "ada@mills.example"]', "ada"),
    ('emails[value eq "ada@mills.example"]', "ada"),
    ('emails.value eq "ada@mills.example"', "ada"),
    ('emails eq "ada@mills.example"', "ada"),
    ('email eq "ada@mills.example"', "ada"),
)
def test_ways_to_ask_for_an_address(who, condition, expected):
    assert who(condition) == expected


@requirement("7644-3.4.2.2-14", "7644-3.4.2.2-15", "contested-22")
@check(
    ('emails.value eq "ben@mills.example"', "ben"),
    ('emails co "ada@"', "ada"),
    ('roles eq "DYER"', "ben"),
    ('emails.type eq "home"', "ada ben"),
    ("emails.primary eq true", "ada"),
)
def test_several_values(who, condition, expected):
    assert who(condition) == expected


@requirement("7644-3.4.2.2-15", "contested-22")
@pytest.mark.parametrize("condition", ['name eq "Ada"', 'name co "A"', 'meta eq "x"', "name gt 1"])
def test_complex_attribute_without_part(who, condition):
    who.scim.error(400, "invalidFilter", "GET", "/Users", params={"filter": condition})


@requirement("7644-3.4.2.2-16")
@check(
    (r'displayName eq "Ada \"A\" Okafor"', "ada"),
    (r'displayName eq "\u0041da \u0022A\u0022 Okafor"', "ada"),
    (r'profileUrl eq "https:\/\/people.example\/Ada"', "ada"),
    ("active eq True", "ada"),
    ('active eq "TRUE"', "ada"),
    ('active eq "false"', "ben"),
)
def test_literals(who, condition, expected):
    assert who(condition) == expected


@requirement("7644-3.4.2.2-18", "7644-3.4.2.2-19", "7644-3.4.2.2-03", "contested-18", "contested-19")
@pytest.mark.parametrize(
    "condition",
    [
        'userName xx "a"',
        'userName = "a"',
        'userName regex "a"',
        "userName",
        "userName eq",
        'userName eq "a',
        "userName eq a",
        "userName eq 'a'",
        'eq "a"',
        '"a" eq userName',
        'userName eq "a" and',
        'and userName eq "a"',
        'userName eq "a" userName eq "b"',
        '(userName eq "a"',
        'userName eq "a")',
        "()",
        "not",
        "not userName pr",
        'userName pr "a"',
        "emails[",
        "emails[]",
        'emails[type eq "work"',
        'emails[type eq "work"] eq "a"',
        'emails[emails[type eq "work"]]',
        "emails[type]",
        r'userName eq "\q"',
        'userName eq "a" xor userName eq "b"',
        " ",
        ":",
        "urn:",
        "a..b pr",
        "userName.value.deep pr",
        "user name pr",
    ],
)
def test_filters_that_are_none(who, condition):
    assert who.scim.error(400, "invalidFilter", "GET", "/Users", params={"filter": condition})
    assert who.scim.error(400, "invalidFilter", "POST", "/Users/.search", {"filter": condition})


@requirement("7644-3.4.2.2-11")
def test_depth_and_length(who):
    """Every nesting up to a limit works, and what is beyond it is refused in words."""
    assert who("(" * 10 + "title pr" + ")" * 10) == "ada ben"
    assert who(" or ".join(["title pr"] * 20)) == "ada ben"
    for monster in ("(" * 5000 + "title pr" + ")" * 5000, " or ".join(["title pr"] * 3000), "not (" * 900 + "title pr"):
        who.scim.error(400, "invalidFilter", "POST", "/Users/.search", {"filter": monster})


@requirement("7644-3.4.2.2-02", "7644-3.4.2.2-20", "7644-3.10-01", "7644-3.10-04", "contested-30")
@check(
    (f'{tenure.USER}:userName eq "ada.okafor"', "ada"),
    (f'{tenure.USER.upper()}:USERNAME Eq "ada.okafor"', "ada"),
    (f'{tenure.USER}:name.familyName eq "Lind"', "ben"),
    (f'{DEPARTMENT} eq "dyes"', "ada"),
    (f'{DEPARTMENT.lower()} eq "dyes"', "ada"),
    (f'{tenure.USER}:emails[type eq "home"].value co "mills"', "ben"),
    (f'schemas eq "{tenure.ENTERPRISE}"', "ada"),
    (f'schemas eq "{tenure.ENTERPRISE.upper()}"', "ada"),
)
def test_qualified_names(who, condition, expected):
    assert who(condition) == expected


@requirement("7644-3.4.2.2-20")
def test_managers_in_filters(who):
    for path in (f"{MANAGER}.value", MANAGER.upper() + ".VALUE"):
        assert who(f'{path} eq "{who.boss["id"]}"') == "ada"
    assert who(f'{MANAGER}[value eq "{who.boss["id"]}"] and {MANAGER} pr') == "ada"


@requirement("7644-3.4.2.2-22")
def test_what_was_returned_is_compared(who):
    for person in who.people.values():
        for path in ("userName", "displayName", "title", "externalId", "profileUrl", "id"):
            if person.get(path):
                literal = person[path].replace('"', '\\"')
                assert person["id"] in who.scim.find(f'{path} eq "{literal}"')
        for path in ("location", "version", "created", "lastModified", "resourceType"):
            literal = person["meta"][path].replace('"', '\\"')
            assert person["id"] in who.scim.find(f'meta.{path} eq "{literal}"'), path


@requirement("7644-3.4.2.2-22")
def test_what_was_returned_of_members_is_compared(who):
    ada = who.people["ada"]
    group = who.scim.group(ada, displayName=unique("team"))
    for path in ("value", "$ref", "type"):
        literal = group["members"][0][path]
        assert group["id"] in who.scim.find(f'members.{path} eq "{literal}"', "Groups"), path
    shown = who.scim.read(ada)["groups"][0]
    for path in ("value", "$ref", "type", "display"):
        if path in shown:
            assert ada["id"] in who.scim.find(f'groups.{path} eq "{shown[path]}"'), path


@requirement("7644-3.4.2.2-23", "contested-20")
@check(
    ("title eq null", "cy"),
    ("title ne null", "ada ben"),
    ("emails eq null", "cy"),
    ("not (title eq null)", "ada ben"),
    ("name.givenName eq null", "ben cy"),
    ("active eq null", "cy"),
)
def test_null(who, condition, expected):
    found = who(condition)
    assert found == expected


@requirement("7644-3.4.2.2-23", "contested-20")
@pytest.mark.parametrize("operator", ["co", "sw", "ew", "gt", "ge", "lt", "le"])
def test_null_with_other_operators(who, operator):
    who.scim.error(400, "invalidFilter", "GET", "/Users", params={"filter": f"title {operator} null"})


@requirement("7644-3.4.2.2-24", "contested-23", "contested-04")
@pytest.mark.parametrize(
    ("condition", "named"),
    [
        ('active eq "yes"', "active"),
        ("active eq 1", "active"),
        ("userName eq 5", "userName"),
        ("userName eq true", "userName"),
        ('meta.created gt "yesterday"', "meta.created"),
        ("meta.created gt 5", "meta.created"),
        ("title gt false", "title"),
        ('active co "tr"', "active"),
        ('x509Certificates.value co "AA"', "x509Certificates.value"),
    ],
)
def test_literals_of_the_wrong_type(who, condition, named):
    detail = who.scim.error(400, "invalidFilter", "GET", "/Users", params={"filter": condition})
    assert named in detail


@requirement("7644-3.4.2.2-25", "contested-24")
@pytest.mark.parametrize(
    "condition",
    ['shoeSize eq "43"', "shoeSize pr", 'name.shoe eq "1"', 'members eq "x"', "urn:example:x:1.0:User:y pr"],
)
def test_unknown_attributes(who, condition):
    for whole in (condition, f"not ({condition})", f"userName pr or {condition}"):
        who.scim.error(400, "invalidFilter", "GET", "/Users", params={"filter": whole})


@requirement("7644-3.4.2.2-01", "client habit 30")
def test_filters_on_groups(who):
    scim = who.scim
    person = scim.user()
    one, two = scim.group(person), scim.group(displayName=unique("Team"), externalId="G")
    ada = person["id"]
    assert scim.find(f'id eq "{one["id"]}" and members eq "{ada}"', "Groups") == {one["id"]}
    assert scim.find(f'id eq "{two["id"]}" and members eq "{ada}"', "Groups") == set()
    assert scim.find(f'members[value eq "{ada}" and type eq "User"]', "Groups") == {one["id"]}
    assert scim.find(f'displayName eq "{two["displayName"].upper()}"', "Groups") == {two["id"]}
    assert scim.find('externalId eq "G"', "Groups") == {two["id"]}
    assert two["id"] in scim.find("not (members pr)", "Groups")
