import Formats

enum OpenAPI { static func document(group: String, version: String) -> Value { [:] } }
