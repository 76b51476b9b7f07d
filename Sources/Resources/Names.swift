/// The rules for names, labels and variables. Each check gives the text Kubernetes gives, or nil where all is well.
package enum Names {
    static let subdomainText =
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
    static let labelText =
        "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
    static let label1035Text =
        "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"
    static let qualifiedText =
        "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
    static let twoSlashesText =
        "a qualified name must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
    static let labelValueText =
        "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"

    private static func isLower(_ byte: UInt8) -> Bool { byte >= 97 && byte <= 122 }
    private static func isUpper(_ byte: UInt8) -> Bool { byte >= 65 && byte <= 90 }
    private static func isDigit(_ byte: UInt8) -> Bool { byte >= 48 && byte <= 57 }
    private static func isAlphanumeric(_ byte: UInt8) -> Bool { isLower(byte) || isUpper(byte) || isDigit(byte) }

    private static func isLabel(_ bytes: Substring.UTF8View) -> Bool {
        guard let first = bytes.first, let last = bytes.last, isLower(first) || isDigit(first), isLower(last) || isDigit(last) else {
            return false
        }
        return bytes.allSatisfy { isLower($0) || isDigit($0) || $0 == UInt8(ascii: "-") }
    }

    /// RFC 1123 subdomain: names of most objects.
    package static func subdomainProblem(_ name: String) -> String? { subdomainProblem(name[...].utf8) }

    private static func subdomainProblem(_ name: Substring.UTF8View) -> String? {
        if name.count > 253 { return "must be no more than 253 characters" }
        // One pass: dots and hyphens may neither begin a part nor, for dots, follow a hyphen.
        var previous = UInt8(ascii: ".")
        for byte in name {
            switch byte {
            case UInt8(ascii: "."): if previous == UInt8(ascii: ".") || previous == UInt8(ascii: "-") { return subdomainText }
            case UInt8(ascii: "-"): if previous == UInt8(ascii: ".") { return subdomainText }
            default: if !isLower(byte), !isDigit(byte) { return subdomainText }
            }
            previous = byte
        }
        return previous == UInt8(ascii: ".") || previous == UInt8(ascii: "-") ? subdomainText : nil
    }

    /// RFC 1123 label: namespaces, containers, volumes.
    package static func labelProblem(_ name: String) -> String? {
        if name.utf8.count > 63 { return "must be no more than 63 characters" }
        return isLabel(name[...].utf8) ? nil : labelText
    }

    /// RFC 1035 label: Services.
    package static func label1035Problem(_ name: String) -> String? {
        if name.utf8.count > 63 { return "must be no more than 63 characters" }
        guard isLabel(name[...].utf8), let first = name.utf8.first, isLower(first) else { return label1035Text }
        return nil
    }

    private static func isQualifiedPart(_ bytes: Substring.UTF8View) -> Bool {
        guard let first = bytes.first, let last = bytes.last, isAlphanumeric(first), isAlphanumeric(last) else { return false }
        return bytes.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: ".") }
    }

    /// Keys of labels and annotations: `[prefix/]name`.
    package static func qualifiedNameProblem(_ key: String) -> String? {
        var name = key[...].utf8
        if let slash = name.firstIndex(of: UInt8(ascii: "/")) {
            let prefix = name[..<slash]
            name = name[name.index(after: slash)...]
            if name.contains(UInt8(ascii: "/")) { return twoSlashesText }
            if prefix.isEmpty { return "prefix part must be non-empty" }
            if let problem = subdomainProblem(prefix) { return "prefix part " + problem }
        }
        if name.isEmpty { return "name part must be non-empty" }
        if name.count > 63 { return "name part must be no more than 63 characters" }
        return isQualifiedPart(name) ? nil : qualifiedText
    }

    /// What is wrong with a label's value; nil when it is valid.
    package static func labelValueProblem(_ value: String) -> String? {
        if value.isEmpty { return nil }
        if value.utf8.count > 63 { return "must be no more than 63 characters" }
        return isQualifiedPart(value[...].utf8) ? nil : labelValueText
    }

    /// Names of environment variables: printable ASCII without `=` (the relaxed rule).
    package static func environmentNameProblem(_ name: String) -> String? {
        if name.isEmpty { return "environment variable name must be non-empty" }
        let isGood = name.utf8.allSatisfy { $0 >= 32 && $0 < 127 && $0 != UInt8(ascii: "=") }
        return isGood ? nil : "a valid environment variable name must consist only of printable ASCII characters other than '='"
    }

    /// Keys of ConfigMaps and Secrets.
    package static func configKeyProblem(_ key: String) -> String? {
        if key.utf8.count > 253 { return "must be no more than 253 characters" }
        let isGood = !key.isEmpty && key.utf8.allSatisfy { isAlphanumeric($0) || $0 == 45 || $0 == 95 || $0 == 46 }
        if !isGood {
            return
                "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
        }
        if key == "." { return "must not be '.'" }
        if key == ".." { return "must not be '..'" }
        return key.hasPrefix("..") ? "must not start with '..'" : nil
    }

    /// Names of ports: up to 15 lower-case letters, digits and single hyphens, at least one letter (RFC 6335).
    package static func portNameProblems(_ name: String) -> [String] {
        var problems: [String] = []
        let bytes = Array(name.utf8)
        if bytes.count > 15 { problems.append("must be no more than 15 characters") }
        if !bytes.allSatisfy({ isLower($0) || isDigit($0) || $0 == 45 }) {
            problems.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
        }
        if !bytes.contains(where: { isLower($0) }) { problems.append("must contain at least one letter (a-z)") }
        if zip(bytes, bytes.dropFirst()).contains(where: { $0 == 45 && $1 == 45 }) {
            problems.append("must not contain consecutive hyphens")
        }
        if bytes.first == 45 || bytes.last == 45 { problems.append("must not begin or end with a hyphen") }
        return problems
    }

    /// A dotted IPv4 address without leading zeros.
    package static func isIPv4(_ text: String) -> Bool {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts.allSatisfy { part in UInt8(part).map { String($0) == part } ?? false }
    }
}
