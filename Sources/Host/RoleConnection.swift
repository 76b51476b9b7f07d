import APIClient
import Formats
import Linux
import Resources

/// One line to `up`'s socket: a role's or a client verb's.
final class RoleConnection {
    /// The process at the other end, as of its connect.
    let peer: Int32
    /// Empty until it says hello.
    var role = ""
    /// Which program the role runs, as it says; empty where it does not.
    var program = ""
    /// It does its work.
    var isReady = false
    private let line: MessageLine

    init(
        loop: EventLoop, socket: Int32, peer: Int32, onMessage: @escaping (RoleConnection, Value, [Int32]) -> Void,
        onEnd: @escaping (RoleConnection) -> Void
    ) throws(LinuxError) {
        self.peer = peer
        line = try MessageLine(loop: loop, socket: socket)
        line.onMessage = { [unowned self] in onMessage(self, $0, $1) }
        line.onEnd = { [unowned self] in onEnd(self) }
    }

    /// The descriptor is copied into the message when it is sent: it must stay open until then.
    func send(_ message: Value, descriptor: Int32? = nil) { line.send(message, descriptor: descriptor) }

    /// Tells a proxy that a process at this address has ended. Only a hint: a proxy that does not keep up does without.
    func passOn(ended address: Value) {
        if RoleName.isProxy(role) { line.hint(["op": "ended", "address": address]) }
    }

    /// A role asks whether this process still does its work. Who does not read what was said before has enough to hear.
    func answer(beat: Value) {
        if let answer = HostLink.answer(toBeat: beat) { line.hint(answer) }
    }

    /// Answers the request, if the other side waits for an answer.
    func reply(to request: Value, _ answer: Value) {
        guard let id = request["id"].int else { return }
        var answer = answer
        answer["reply"] = .int(id)
        send(answer)
    }
}
