import Foundation
import Testing

/// Who runs Steady in a test.
enum Account: String, Sendable, CaseIterable, CustomTestStringConvertible {
    /// Whoever runs the tests.
    case own
    /// When root runs them: an account without any right.
    case nobody

    var testDescription: String { self == .own ? (getuid() == 0 ? "root" : "an ordinary user") : "an ordinary user" }

    /// Both where the tests may become somebody else; an ordinary user tests as itself.
    static let available: [Account] = getuid() == 0 && FileManager.default.isExecutableFile(atPath: setpriv) ? [.own, .nobody] : [.own]

    private static let setpriv = "/usr/bin/setpriv"
    private static let nobodyID = 65_534

    /// The command line that runs a program under this account.
    func command(_ path: String, _ arguments: [String]) -> (path: String, arguments: [String]) {
        switch self {
        case .own: (path, arguments)
        case .nobody:
            (Self.setpriv, ["--reuid=\(Self.nobodyID)", "--regid=\(Self.nobodyID)", "--clear-groups", "--no-new-privs", path] + arguments)
        }
    }

    /// Gives a file or directory to this account.
    func own(_ path: String) throws {
        guard self == .nobody else { return }
        try FileManager.default.setAttributes(
            [.ownerAccountID: NSNumber(value: Self.nobodyID), .groupOwnerAccountID: NSNumber(value: Self.nobodyID)], ofItemAtPath: path)
    }
}
