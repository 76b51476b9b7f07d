import CLinux
import Glibc

/// What a loop watches. What the kernel keeps with a descriptor is a place in it and how often that place was used: an event finds its watch
/// without a search, and one that was meant for an earlier watch finds none.
final class WatchTable {
    private let epoll: Int32
    private var places: [EventLoop.Watch?] = []
    private var generations: [UInt32] = []
    private var freePlaces: [Int] = []
    /// The loop is gone: what is left of its watches has nothing to change or to take out.
    private var hasEnded = false

    init(epoll: Int32) { self.epoll = epoll }

    func add(_ fd: Int32, _ interest: EventLoop.Interest, _ make: (UInt64) -> EventLoop.Watch) throws(LinuxError) -> EventLoop.Watch {
        if freePlaces.isEmpty {
            freePlaces.append(places.count)
            places.append(nil)
            generations.append(0)
        }
        let place = freePlaces[freePlaces.count - 1]
        let key = UInt64(generations[place]) << 32 | UInt64(place)
        try attempt("epoll_ctl add \(fd)") { clinux_epoll_ctl(epoll, EPOLL_CTL_ADD, fd, interest.kernelBits, key) }
        freePlaces.removeLast()
        let watch = make(key)
        places[place] = watch
        return watch
    }

    func change(_ key: UInt64, _ fd: Int32, _ interest: EventLoop.Interest) {
        guard !hasEnded else { return }
        _ = clinux_epoll_ctl(epoll, EPOLL_CTL_MOD, fd, interest.rawValue, key)
    }

    /// - Parameter isClosing: the descriptor is closed next and nobody has a copy of it: its end takes it out of the kernel's set by itself.
    func remove(_ key: UInt64, _ fd: Int32, isClosing: Bool) {
        guard !hasEnded else { return }
        let place = Int(key & 0xFFFF_FFFF)
        places[place] = nil
        generations[place] &+= 1
        freePlaces.append(place)
        if !isClosing { _ = clinux_epoll_ctl(epoll, EPOLL_CTL_DEL, fd, 0, 0) }
    }

    /// Nil: a handler of the same turn cancelled it, whoever has its place since.
    func watch(_ key: UInt64) -> EventLoop.Watch? {
        let place = Int(key & 0xFFFF_FFFF)
        return generations[place] == UInt32(truncatingIfNeeded: key >> 32) ? places[place] : nil
    }

    /// The loop ends: watches and what their handlers hold go. A watch that somebody still has may be changed and cancelled AFTER, without effect:
    /// the kernel's set is closed with the loop, and its number may be another file's.
    func clear() {
        hasEnded = true
        // Taken out first: the end of a handler can cancel watches.
        let ending = places
        places = []
        withExtendedLifetime(ending) {}
    }
}
