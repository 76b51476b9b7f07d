import APIClient
import Linux
import Traffic

/// Where the secret of session tokens is kept: with it another proxy, or one after a restart, knows the clients of this one.
enum SessionSecret {
    /// Reads the instance's secret, which the first proxy makes; only its user may read it. A file of another length is no secret of ours and made anew.
    static func load(_ directory: DataDirectory) throws(LinuxError) -> SessionKey {
        let path = directory.sessionSecret
        if let key = (try? Files.read(path, atMost: SessionKey.length)).flatMap({ $0 }).flatMap({ SessionKey($0) }) { return key }
        var random = SystemRandomNumberGenerator()
        let fresh = (0..<SessionKey.length).map { _ in UInt8.random(in: 0...255, using: &random) }
        if let present = try? Files.read(path, atMost: SessionKey.length), present.count != SessionKey.length {
            try Files.replace(path, with: fresh)
        } else {
            try Files.establish(path, with: fresh)
        }
        return try Files.read(path, atMost: SessionKey.length).flatMap { SessionKey($0) } ?? SessionKey(using: &random)
    }
}
