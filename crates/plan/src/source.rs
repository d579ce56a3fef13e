//! Names of source attributes: SCIM paths, and the Entra names administrators know (`userPrincipalName`, `givenName`, `mail`, …).
