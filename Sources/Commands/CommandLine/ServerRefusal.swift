import Resources

extension CommandError {
    /// A server's refusal, in kubectl's words.
    package init(_ status: StatusError) {
        let text =
            status.reason == "Invalid"
            ? "The \(status.message)".replacingPrefix("The The ", "The ") : "Error from server (\(status.reason)): \(status.message)"
        self.init(text)
    }
}

extension String {
    fileprivate func replacingPrefix(_ prefix: String, _ other: String) -> String {
        hasPrefix(prefix) ? other + dropFirst(prefix.count) : self
    }
}
