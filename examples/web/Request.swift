/// One HTTP request, whole.
struct Request {
    var method: String
    var path: String
    private var queryText: Substring
    var keepsAlive: Bool
    var acceptsJSON = false
    var body: [UInt8] = []

    enum Reading {
        case incomplete
        /// What cannot be understood, with the status that says so.
        case refused(String)
        /// A request, and how many bytes it was long.
        case whole(Request, Int)
    }

    /// A head may have this many bytes, a body too.
    static let headLimit = 16 * 1024
    static let bodyLimit = 1024 * 1024

    /// Reads the request at the front of the bytes.
    static func read(_ bytes: [UInt8]) -> Reading {
        guard let headEnd = end(of: bytes) else {
            return bytes.count > headLimit ? .refused("431 Request Header Fields Too Large") : .incomplete
        }
        let lines = String(decoding: bytes[..<(headEnd - 4)], as: UTF8.self).split(separator: "\r\n", omittingEmptySubsequences: false)
        let words = lines[0].split(separator: " ")
        guard words.count == 3, words[2].hasPrefix("HTTP/1.") else { return .refused("400 Bad Request") }
        let target = words[1].split(separator: "?", maxSplits: 1)
        var request = Request(
            method: String(words[0]), path: String(target.first ?? "/"), queryText: target.count > 1 ? target[1] : "",
            keepsAlive: words[2] != "HTTP/1.0")
        var length = 0
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { return .refused("400 Bad Request") }
            let value = line[line.index(after: colon)...].drop { $0 == " " }
            switch line[..<colon].lowercased() {
            case "content-length":
                guard let number = Int(value), (0...bodyLimit).contains(number) else { return .refused("413 Content Too Large") }
                length = number
            case "transfer-encoding": return .refused("411 Length Required")
            case "connection":
                request.keepsAlive = value.lowercased() == "keep-alive" || (request.keepsAlive && value.lowercased() != "close")
            case "accept": request.acceptsJSON = value.contains("json")
            default: break
            }
        }
        guard bytes.count >= headEnd + length else { return .incomplete }
        request.body = Array(bytes[headEnd..<(headEnd + length)])
        return .whole(request, headEnd + length)
    }

    /// Behind the empty line.
    private static func end(of bytes: [UInt8]) -> Int? {
        guard bytes.count >= 4 else { return nil }
        for at in 3..<bytes.count where bytes[at] == 10 && bytes[at - 1] == 13 && bytes[at - 2] == 10 && bytes[at - 3] == 13 {
            return at + 1
        }
        return nil
    }

    /// The first value of a query's key, as it was written.
    func query(_ key: String) -> String? {
        for pair in queryText.split(separator: "&") where pair.hasPrefix(key + "=") { return String(pair.dropFirst(key.count + 1)) }
        return nil
    }
}
