//! The standard schemas as data: RFC 7643 sections 3.1 and 4, with the corrections that the text of the RFC and
//! its reported errata make to the JSON of section 8.7 (references are case-exact, addresses have `primary`,
//! members have `display`, a group needs a `displayName`, empty `canonicalValues` are left out).

use std::sync::Arc;

use crate::schema::{
    Attribute, AttributeType, Extension, Mutability, ResourceType, Returned, Schema, Uniqueness,
};

pub(crate) const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub(crate) const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
pub(crate) const ENTERPRISE_USER: &str =
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// Building blocks, also used for the schemas of the discovery resources.
impl Attribute {
    pub(crate) fn of(kind: AttributeType, name: &str, description: &str) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            multi_valued: false,
            description: description.to_owned(),
            required: false,
            case_exact: matches!(kind, AttributeType::Reference | AttributeType::Binary),
            canonical_values: Vec::new(),
            mutability: Mutability::ReadWrite,
            returned: Returned::Default,
            uniqueness: Uniqueness::None,
            reference_types: Vec::new(),
            sub_attributes: Vec::new(),
        }
    }

    pub(crate) fn text(name: &str, description: &str) -> Self {
        Self::of(AttributeType::String, name, description)
    }

    pub(crate) fn boolean(name: &str, description: &str) -> Self {
        Self::of(AttributeType::Boolean, name, description)
    }

    pub(crate) fn reference(name: &str, types: &[&str], description: &str) -> Self {
        let mut attribute = Self::of(AttributeType::Reference, name, description);
        attribute.reference_types = types.iter().map(|&name| name.to_owned()).collect();
        attribute
    }

    pub(crate) fn complex(name: &str, description: &str, sub_attributes: Vec<Attribute>) -> Self {
        let mut attribute = Self::of(AttributeType::Complex, name, description);
        attribute.sub_attributes = sub_attributes;
        attribute
    }

    pub(crate) fn many(mut self) -> Self {
        self.multi_valued = true;
        self
    }

    pub(crate) fn required(mut self) -> Self {
        self.required = true;
        self
    }

    pub(crate) fn exact(mut self) -> Self {
        self.case_exact = true;
        self
    }

    /// Also marks all sub-attributes, since none of them can be more writable than the whole.
    pub(crate) fn mutability(mut self, mutability: Mutability) -> Self {
        self.mutability = mutability;
        self.sub_attributes = self
            .sub_attributes
            .into_iter()
            .map(|sub_attribute| sub_attribute.mutability(mutability))
            .collect();
        self
    }

    pub(crate) fn returned(mut self, returned: Returned) -> Self {
        self.returned = returned;
        self
    }

    pub(crate) fn unique(mut self) -> Self {
        self.uniqueness = Uniqueness::Server;
        self
    }

    pub(crate) fn suggest(mut self, values: &[&str]) -> Self {
        self.canonical_values = values.iter().map(|&value| value.to_owned()).collect();
        self
    }
}

pub(crate) fn common() -> Vec<Attribute> {
    let mut schemas = Attribute::reference("schemas", &["uri"], "URNs of the schemas in use.")
        .many()
        .required()
        .returned(Returned::Always);
    // As URNs they are compared without case (RFC 7643 section 2.1).
    schemas.case_exact = false;
    vec![
        schemas,
        Attribute::text("id", "Identifier given by the server.")
            .exact()
            .unique()
            .mutability(Mutability::ReadOnly)
            .returned(Returned::Always),
        Attribute::text("externalId", "Identifier given by the client.").exact(),
        Attribute::complex(
            "meta",
            "Facts about the resource.",
            vec![
                Attribute::text("resourceType", "Name of the resource type.").exact(),
                Attribute::of(
                    AttributeType::DateTime,
                    "created",
                    "When the resource was created.",
                ),
                Attribute::of(
                    AttributeType::DateTime,
                    "lastModified",
                    "When the resource last changed.",
                ),
                Attribute::reference("location", &["uri"], "URI of the resource."),
                Attribute::text("version", "Entity tag of the present state.").exact(),
            ],
        )
        .mutability(Mutability::ReadOnly),
    ]
}

/// `value`, `display`, `type`, `primary`: the shape of most multi-valued attributes.
fn labelled(name: &str, description: &str, value: Attribute, types: &[&str]) -> Attribute {
    Attribute::complex(
        name,
        description,
        vec![
            value,
            Attribute::text("display", "A readable form of the value."),
            Attribute::text("type", "What the value is used for.").suggest(types),
            Attribute::boolean(
                "primary",
                "Whether this is the preferred value; true at most once.",
            ),
        ],
    )
    .many()
}

fn name_attribute() -> Attribute {
    Attribute::complex(
        "name",
        "The parts of the person's name.",
        vec![
            Attribute::text("formatted", "The whole name, ready for display."),
            Attribute::text("familyName", "Family name, or last name."),
            Attribute::text("givenName", "Given name, or first name."),
            Attribute::text("middleName", "Middle name or names."),
            Attribute::text("honorificPrefix", "Title before the name."),
            Attribute::text("honorificSuffix", "Title after the name."),
        ],
    )
}

fn addresses() -> Attribute {
    Attribute::complex(
        "addresses",
        "Postal addresses.",
        vec![
            Attribute::text("formatted", "The whole address, ready for a label."),
            Attribute::text(
                "streetAddress",
                "Street, house number, and what belongs to it.",
            ),
            Attribute::text("locality", "City or place."),
            Attribute::text("region", "State or region."),
            Attribute::text("postalCode", "Postal code."),
            Attribute::text("country", "Country as an ISO 3166-1 code of two letters."),
            Attribute::text("type", "What the address is used for.")
                .suggest(&["work", "home", "other"]),
            Attribute::boolean(
                "primary",
                "Whether this is the preferred address; true at most once.",
            ),
        ],
    )
    .many()
}

fn user_groups() -> Attribute {
    Attribute::complex(
        "groups",
        "Groups the person belongs to. Membership is changed at the group.",
        vec![
            Attribute::text("value", "Identifier of the group.").exact(),
            Attribute::reference("$ref", &["Group"], "URI of the group."),
            Attribute::text("display", "Name of the group."),
            Attribute::text("type", "Whether the membership is direct.")
                .suggest(&["direct", "indirect"]),
        ],
    )
    .many()
    .mutability(Mutability::ReadOnly)
}

fn single_values() -> Vec<Attribute> {
    vec![
        Attribute::text("userName", "Unique name to sign in with.")
            .required()
            .unique(),
        name_attribute(),
        Attribute::text("displayName", "Name under which the person is shown."),
        Attribute::text("nickName", "Casual name."),
        Attribute::reference("profileUrl", &["external"], "Page about the person."),
        Attribute::text("title", "Job title."),
        Attribute::text(
            "userType",
            "Relation to the organization, such as employee.",
        ),
        Attribute::text(
            "preferredLanguage",
            "Preferred languages, as in Accept-Language.",
        ),
        Attribute::text("locale", "Language tag for dates, numbers and currency."),
        Attribute::text("timezone", "Time zone by its IANA name."),
        Attribute::boolean("active", "Whether the person may use the service."),
        Attribute::text("password", "Accepted, but not kept.")
            .exact()
            .mutability(Mutability::WriteOnly)
            .returned(Returned::Never),
    ]
}

fn multi_values() -> Vec<Attribute> {
    let value = |description| Attribute::text("value", description);
    vec![
        labelled(
            "emails",
            "E-mail addresses.",
            value("E-mail address."),
            &["work", "home", "other"],
        ),
        labelled(
            "phoneNumbers",
            "Telephone numbers.",
            value("Telephone number."),
            &["work", "home", "mobile", "fax", "pager", "other"],
        ),
        labelled(
            "ims",
            "Addresses for instant messages.",
            value("Address for instant messages."),
            &[
                "aim", "gtalk", "icq", "xmpp", "msn", "skype", "qq", "yahoo", "other",
            ],
        ),
        labelled(
            "photos",
            "Pictures of the person.",
            Attribute::reference("value", &["external"], "URL of a picture."),
            &["photo", "thumbnail"],
        ),
        addresses(),
        user_groups(),
        labelled(
            "entitlements",
            "What the person is entitled to.",
            value("Entitlement."),
            &[],
        ),
        labelled("roles", "Roles of the person.", value("Role."), &[]),
        labelled(
            "x509Certificates",
            "Certificates of the person.",
            Attribute::of(
                AttributeType::Binary,
                "value",
                "One DER certificate in base64.",
            ),
            &[],
        ),
    ]
}

fn enterprise_user() -> Schema {
    Schema {
        id: ENTERPRISE_USER.to_owned(),
        name: "EnterpriseUser".to_owned(),
        description: "What an organization knows about a person beyond the core.".to_owned(),
        attributes: vec![
            Attribute::text("employeeNumber", "Number in the personnel records."),
            Attribute::text("costCenter", "Cost center."),
            Attribute::text("organization", "Organization."),
            Attribute::text("division", "Division."),
            Attribute::text("department", "Department."),
            Attribute::complex(
                "manager",
                "The person's manager.",
                vec![
                    Attribute::text("value", "Identifier of the manager's User resource.").exact(),
                    Attribute::reference("$ref", &["User"], "URI of the manager's User resource."),
                    Attribute::text("displayName", "Name of the manager.")
                        .mutability(Mutability::ReadOnly),
                ],
            ),
        ],
    }
}

pub(crate) fn user_type() -> ResourceType {
    let mut attributes = single_values();
    attributes.extend(multi_values());
    ResourceType {
        name: "User".to_owned(),
        endpoint: "/Users".to_owned(),
        description: "People and their accounts.".to_owned(),
        schema: Arc::new(Schema {
            id: USER.to_owned(),
            name: "User".to_owned(),
            description: "A person's account.".to_owned(),
            attributes,
        }),
        extensions: vec![Extension {
            schema: Arc::new(enterprise_user()),
            required: false,
        }],
    }
}

fn members() -> Attribute {
    let mut members = Attribute::complex(
        "members",
        "Members of the group.",
        vec![
            Attribute::text("value", "Identifier of the member.").exact(),
            Attribute::reference("$ref", &["User", "Group"], "URI of the member."),
            Attribute::text("type", "Resource type of the member.").suggest(&["User", "Group"]),
            Attribute::text("display", "Name of the member."),
        ],
    )
    .many()
    .mutability(Mutability::Immutable);
    // The list changes, its values do not; the name comes from the member itself.
    members.mutability = Mutability::ReadWrite;
    for sub_attribute in &mut members.sub_attributes {
        if sub_attribute.name == "display" {
            sub_attribute.mutability = Mutability::ReadOnly;
            // Clients compare members with what they sent, and that has no name.
            sub_attribute.returned = Returned::Request;
        }
    }
    members
}

pub(crate) fn group_type() -> ResourceType {
    ResourceType {
        name: "Group".to_owned(),
        endpoint: "/Groups".to_owned(),
        description: "Groups of people and of other groups.".to_owned(),
        schema: Arc::new(Schema {
            id: GROUP.to_owned(),
            name: "Group".to_owned(),
            description: "A group.".to_owned(),
            attributes: vec![
                Attribute::text("displayName", "Name of the group.").required(),
                members(),
            ],
        }),
        extensions: Vec::new(),
    }
}
