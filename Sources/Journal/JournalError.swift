import Linux

/// Why a journal cannot be opened: the file, the place in it, what is wrong and what can be done.
package struct JournalError: Error, Sendable, CustomStringConvertible {
    package let path: String
    /// Where in the file; nil when it is about the whole of it.
    package let offset: Int?
    package let problem: String
    package let remedy: String
    /// The file is not as it was written: what can be done about that, whoever keeps copies knows.
    package var isDamage = false

    package init(path: String, offset: Int? = nil, problem: String, remedy: String) {
        self.path = path
        self.offset = offset
        self.problem = problem
        self.remedy = remedy
    }

    /// File and offset.
    package var place: String { path + (offset.map { ", offset \($0)" } ?? "") }
    package var description: String { "\(place): \(problem). \(remedy)" }

    static func unreadable(_ path: String, _ error: LinuxError) -> JournalError {
        JournalError(path: path, problem: "\(error)", remedy: "Make the directory readable and writable for this user")
    }

    static func damaged(
        _ path: String, offset: Int?, _ problem: String, remedy: String = "This was on disk once and is damaged; nothing was changed"
    ) -> JournalError {
        var error = JournalError(path: path, offset: offset, problem: problem, remedy: remedy)
        error.isDamage = true
        return error
    }
}
