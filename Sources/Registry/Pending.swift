import Formats
import Resources

enum Validation { static func check(_ value: Value, type: ResourceType, old: Value?) -> [StatusError.Cause] { [] } }
