import CLinux
import Glibc

extension Sockets {
    /// A datagram socket bound to an address.
    package static func bound(udp address: SocketAddress) throws(LinuxError) -> Int32 {
        let fd = try open(address.family, SocketType.datagram.raw)
        do throws(LinuxError) {
            try bind(fd, to: address)
            return fd
        } catch {
            close(fd)
            throw error
        }
    }

    /// Takes one datagram and says who sent it; nil when none is there, or only word of one that was sent in vain.
    package static func receiveDatagram(_ fd: Int32, limit: Int) -> (bytes: [UInt8], sender: SocketAddress)? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        var count = -1
        let bytes = [UInt8](unsafeUninitializedCapacity: limit) { room, used in
            count = withUnsafeMutablePointer(to: &storage) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    recvfrom(fd, room.baseAddress, room.count, Int32(MSG_DONTWAIT), $0, &length)
                }
            }
            used = max(0, count)
        }
        return count < 0 ? nil : (bytes, SocketAddress(raw: &storage, length: length))
    }

    /// Sends one datagram, or loses it: a full socket is not waited for.
    package static func sendDatagram(_ fd: Int32, _ bytes: [UInt8], to receiver: SocketAddress) {
        _ = try? receiver.withRaw { address, length in
            bytes.withUnsafeBufferPointer {
                sendto(fd, $0.baseAddress, $0.count, Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL), address, length)
            }
        }
    }
}
