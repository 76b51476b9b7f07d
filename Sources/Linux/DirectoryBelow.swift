import Glibc

extension Files {
    /// Opens the directory that `names` lead to below `root`, one component at a time, and makes what is missing; the caller closes the descriptor.
    ///
    /// `root` is trusted and may be a link. Below it others may write, so no symbolic link is followed: ENOTDIR names the component that is one, or
    /// is a file. Only directories made here are given to `owner`, by their descriptor.
    package static func openMaking(_ names: [String], below root: String, mode: mode_t, owner: Launch.User? = nil) throws(LinuxError)
        -> Int32
    {
        var fd = try open(root, O_RDONLY | O_DIRECTORY)
        var path = root
        do throws(LinuxError) {
            for name in names {
                path += "/" + name
                guard !name.isEmpty, name != ".", name != "..", !name.contains("/") else {
                    throw LinuxError(errno: EINVAL, operation: "make directory \(path)")
                }
                let isNew = mkdirat(fd, name, mode) == 0
                if !isNew, errno != EEXIST { throw .last("make directory \(path)") }
                let next = try attempt("open directory \(path) without following links") {
                    openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
                }
                close(fd)
                fd = next
                if isNew, let owner { try attempt("give \(path) to user \(owner.user)") { fchown(fd, owner.user, owner.group) } }
            }
        } catch {
            close(fd)
            throw error
        }
        return fd
    }
}
