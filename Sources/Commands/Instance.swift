import APIClient
import Formats
import Linux
import Resources

/// The instance that a verb talks to.
package enum Instance {
    /// Connects to the API that the flags name. Whether it answers is found out by the first request.
    package static func connect(_ invocation: Invocation) throws(CommandError) -> BlockingAPI {
        let address: SocketAddress
        if let text = invocation.value("server") {
            var bare = text.hasPrefix("http://") ? String(text.dropFirst(7)) : text
            if bare.hasSuffix("/") { bare.removeLast() }
            guard let named = SocketAddress(bare) else {
                throw .usage("--server: found \"\(text)\", allowed is 127.0.0.1:PORT, http://127.0.0.1:PORT or unix:PATH")
            }
            address = named
        } else {
            let directory = try invocation.dataDirectory
            guard Files.isPassable(directory.path) else {
                throw CommandError(
                    "the data directory \(directory.path) is not yours to read: Permission denied; run this as its owner, or name another with "
                        + "--data-dir or STEADY_DATA_DIR")
            }
            guard Files.exists(directory.apiSocket), !directory.isDeserted else {
                throw CommandError(
                    "no instance runs on \(directory.path); start one with: steady up"
                        + (invocation.value("data-dir") == nil ? "  (or name its directory with --data-dir or STEADY_DATA_DIR)" : ""))
            }
            address = .unix(directory.apiSocket)
        }
        do throws(LinuxError) { return try BlockingAPI(address) } catch { throw CommandError("\(error)") }
    }

    /// Whether the instance of a data directory answers.
    package static func isReady(_ directory: DataDirectory) -> Bool {
        guard Files.exists(directory.apiSocket), Files.exists(directory.hostSocket), let api = try? BlockingAPI(.unix(directory.apiSocket))
        else {
            return false
        }
        // Reads and supervision go on where nothing can be written, so that does not count.
        return (try? api.get(["readyz", "ping"])) != nil
    }

    /// A line to `steady up` itself, for what the API is not told: failing nodes, stopping.
    static func host(_ invocation: Invocation) throws(CommandError) -> (loop: EventLoop, link: HostLink) {
        let directory = try invocation.dataDirectory
        do throws(LinuxError) {
            let loop = try EventLoop()
            return (loop, try HostLink(loop: loop, socketPath: directory.hostSocket, role: "verb"))
        } catch {
            throw CommandError("no instance runs on \(directory.path) (\(error.reason)); start one with: steady up")
        }
    }

    /// Asks `up` and waits for its answer.
    static func askHost(_ invocation: Invocation, _ message: Value, within limit: Duration = .seconds(15)) throws(CommandError) -> Value {
        let (loop, link) = try host(invocation)
        defer { link.close() }
        var answer: Value?
        link.request(message) { answer = $0 }
        guard loop.runUntil(within: limit, { answer != nil }), let answer, !answer.isNull else {
            throw CommandError("steady up did not answer; its log is \(try invocation.dataDirectory.roleLog("up"))")
        }
        if let error = answer["error"].string { throw CommandError(error) }
        return answer
    }
}

extension BlockingAPI {
    /// `perform` with the refusal in the terminal's words.
    func ask(_ request: Request) throws(CommandError) -> Reply {
        do throws(StatusError) { return try perform(request) } catch { throw CommandError(error) }
    }

    /// Nil when there is no such object.
    func find(_ key: ObjectKey) throws(CommandError) -> Value? {
        do throws(StatusError) { return try get(key) } catch {
            if error.code == 404 { return nil }
            throw CommandError(error)
        }
    }

    func all(_ request: ListRequest) throws(CommandError) -> [Value] { try ask(.list(request)).items }
}
