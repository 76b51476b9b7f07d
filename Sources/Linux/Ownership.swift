import Glibc

/// Users, and whose files are.
package enum Ownership {
    package static var isRoot: Bool { geteuid() == 0 }
    /// As whom this process acts.
    package static var own: Launch.User { Launch.User(user: geteuid(), group: getegid()) }

    /// This process's home as the user database has it; nil for a user that is not in it, or is there without an absolute one.
    package static var home: String? {
        guard let text = getpwuid(geteuid())?.pointee.pw_dir else { return nil }
        let path = String(cString: text)
        return path.hasPrefix("/") ? path : nil
    }

    /// The user of this name or number, with its groups; nil when there is none.
    package static func user(_ name: String) -> Launch.User? {
        guard let entry = UInt32(name).flatMap({ getpwuid($0) }) ?? getpwnam(name) else {
            return UInt32(name).map { Launch.User(user: $0, group: $0) }
        }
        return Launch.User(user: entry.pointee.pw_uid, group: entry.pointee.pw_gid)
    }

    /// What the passwd database says of a user; nil when it has none of this number.
    package static func account(_ user: UInt32) -> (name: String, home: String)? {
        guard let entry = getpwuid(user) else { return nil }
        return (String(cString: entry.pointee.pw_name), String(cString: entry.pointee.pw_dir))
    }

    /// Makes the user the file's owner, where there is one to be named.
    package static func give(_ path: String, to user: Launch.User?) {
        if let user { lchown(path, user.user, user.group) }
    }

    /// Lets the user's group make files in this process's directory. What others have there it can neither remove nor put aside: a privileged
    /// agent that writes there must find its own files and directories, not links that a program put in their place.
    package static func share(_ directory: String, with user: Launch.User?) {
        guard let user else { return }
        chown(directory, geteuid(), user.group)
        chmod(directory, 0o1770)
    }

    /// Sets the permission bits.
    package static func setMode(_ path: String, _ mode: mode_t) { chmod(path, mode) }

    /// Lets everybody pass through a directory, without listing it.
    package static func openPassage(_ path: String) {
        var status = stat()
        if stat(path, &status) == 0 { chmod(path, (status.st_mode & 0o7777) | 0o011) }
    }
}
