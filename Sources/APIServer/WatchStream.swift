import APIClient
import Formats
import Linux
import Resources
import Timing
import Transport

/// One open watch: subscribes, and writes what is reported to the client until one of them ends.
///
/// A client that does not read is cut off by the response stream's byte limit and lists again; nothing else is queued here.
final class WatchStream {
    private let call: WatchCall
    private let stream: ResponseStream
    private let loop: EventLoop
    private var encoder: WatchEncoder
    private var subscription: Cancellation?
    private var deadline: EventLoop.Timer?
    private var isInitialStateSent: Bool
    private var bookmarked = Revision.zero
    private let onEvent: () -> Void
    private let onEnd: () -> Void

    /// The head is sent at once, before anything happens: clients wait for it.
    init(
        _ call: WatchCall, api: any ResourceAPI, exchange: HTTPExchange, onEvent: @escaping () -> Void, onEnd: @escaping () -> Void
    ) {
        self.call = call
        loop = api.loop
        encoder = WatchEncoder(call.type, call.representation, rowObject: call.rowObject)
        isInitialStateSent = call.since != nil
        self.onEvent = onEvent
        self.onEnd = onEnd
        stream = exchange.stream(status: 200, headers: ["Content-Type": "application/json", "Cache-Control": "no-cache, private"])
        stream.onClose = { self.finish() }
        subscription = api.watch(call.list, from: call.since) { self.receive($0) }
        if let timeout = call.timeout { deadline = loop.schedule(after: timeout) { self.end() } }
    }

    private func receive(_ signal: WatchSignal) {
        guard subscription != nil else { return }
        switch signal {
        case .event(let event):
            if event.kind == .bookmark { return bookmark(event.revision) }
            // The clock is read for tables only: they show ages.
            let now = call.representation == .plain ? Timestamp(secondsSince1970: 0) : Clock.realtime()
            write { encoder, out in encoder.append(event, now: now, to: &out) }
            onEvent()
        case .synced(let revision): bookmark(revision)
        case .ended(let error):
            if let error { write { encoder, out in encoder.appendError(error, to: &out) } }
            end()
        }
    }

    private func write(_ body: (inout WatchEncoder, inout [UInt8]) -> Void) {
        var out: [UInt8] = []
        out.reserveCapacity(4096)
        body(&encoder, &out)
        stream.write(out)
    }

    /// The first one after what existed is marked for clients that asked so; later ones say how far the store has come.
    private func bookmark(_ revision: Revision) {
        let endsInitial = !isInitialStateSent
        isInitialStateSent = true
        guard endsInitial ? call.marksInitialEnd : call.allowsBookmarks && revision > bookmarked else { return }
        bookmarked = revision
        write { encoder, out in encoder.appendBookmark(revision, endsInitial: endsInitial, to: &out) }
    }

    private func end() {
        stream.end()
        finish()
    }

    private func finish() {
        guard let subscription else { return }
        self.subscription = nil
        subscription.cancel()
        deadline?.cancel()
        stream.onClose = nil
        onEnd()
    }
}
