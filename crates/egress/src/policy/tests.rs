use super::*;

#[track_caller]
fn check(policy: Policy, url: &str, allowed: bool) {
    assert_eq!(
        policy.check(url).is_ok(),
        allowed,
        "{url} under {policy:?}: {:?}",
        policy.check(url)
    );
}

#[test]
fn refuses_every_way_to_the_inside() {
    let addresses = [
        "2130706433",
        "0177.1",
        "0x7f.1",
        "127.1",
        "127.0.0.1",
        "127.0.0.1.",
        "[::ffff:127.0.0.1]",
        "[::1]",
        "[::]",
        "[0:0:0:0:0:ffff:7f00:1]",
        "[::127.0.0.1]",
        "[fe80::1%25eth0]",
        "localhost",
        "localhost.",
        "LOCALHOST",
        "a.localhost",
        "127.0.0.1",
        "127。0。0。1",
        "①②⑦.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "192.0.2.1",
        "198.18.0.1",
        "203.0.113.9",
        "224.0.0.1",
        "255.255.255.255",
        "[fc00::1]",
        "[fd12::1]",
        "[ff02::1]",
        "[2001:db8::1]",
        "[2002:7f00:1::]",
        "[64:ff9b::7f00:1]",
        "[2001::1]",
        "[good.example]",
        "printer",
        "nas.local",
        "metadata.google.internal",
        "good@127.0.0.1",
        "good:pass@target.example",
        "@target.example",
        "target.example:22",
        "target.example:25",
        "target.example:6379",
        "target.example:80",
        "",
    ];
    for address in addresses {
        check(
            Policy::PublicOnly,
            &format!("https://{address}/scim"),
            false,
        );
    }
    for url in [
        "http://target.example/scim",
        "ftp://target.example/",
        "gopher://target.example/",
        "file:///etc/passwd",
        "ws://target.example/",
        "https://target.example/scim#part",
        "https://target.example\\@127.0.0.1/",
        "https://target.exa\tmple/",
        "https://target.example/\r\nX: y",
        " https://target.example/",
        "https:target",
        "target.example",
    ] {
        check(Policy::PublicOnly, url, false);
    }
}

#[test]
fn allows_public_targets() {
    for url in [
        "https://target.example/scim",
        "https://target.example:443/scim?aadOptscim062020",
        "https://8.8.8.8/",
        "https://[2606:4700::1111]/",
        "https://bücher.example/",
    ] {
        check(Policy::PublicOnly, url, true);
    }
}

#[test]
fn the_operator_may_open_private_addresses_but_not_metadata_services() {
    for url in [
        "http://127.0.0.1:8080/scim",
        "http://localhost/scim",
        "https://10.0.0.1:8443/",
        "http://[::1]:80/",
        "http://nas.local/",
    ] {
        check(Policy::AllowPrivate, url, true);
    }
    for url in [
        "http://169.254.169.254/latest",
        "http://[fe80::1]/",
        "http://a@127.0.0.1/",
        "http://127.0.0.1/#x",
        "ftp://127.0.0.1/",
        "http://[::ffff:169.254.169.254]/",
    ] {
        check(Policy::AllowPrivate, url, false);
    }
}

#[test]
fn joins_paths_and_queries() {
    for (tenant_url, relative, expected) in [
        ("https://h/scim", "Users", "https://h/scim/Users"),
        ("https://h/scim/", "Users/1", "https://h/scim/Users/1"),
        ("https://h", "Users", "https://h/Users"),
        (
            "https://h/scim?aadOptscim062020",
            "Users?filter=a%20eq%20%22b%22",
            "https://h/scim/Users?aadOptscim062020&filter=a%20eq%20%22b%22",
        ),
        (
            "https://h/a%20b?x=1",
            "/Groups/g%2F1",
            "https://h/a%20b/Groups/g%2F1?x=1",
        ),
    ] {
        assert_eq!(join(tenant_url, relative).unwrap(), expected);
    }
    assert!(join("not a url", "Users").is_err());
    assert!(join("mailto:a@b", "Users").is_err());
}
