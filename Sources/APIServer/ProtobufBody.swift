import Formats
import Resources

/// Bodies in Kubernetes' protobuf envelope: what typed Go clients send since 1.32, without falling back to JSON.
enum ProtobufBody {
    static func read(_ bytes: [UInt8]) throws(StatusError) -> Value {
        do { return try Protobuf.decode(bytes) } catch { throw .badRequest("the body could not be read: \(error)") }
    }
}
