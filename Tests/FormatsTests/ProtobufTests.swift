import Testing

@testable import Formats

@Suite struct `Protobuf bodies` {
    /// Bodies as kubectl 1.33 sends them, and what the same command prints as JSON.
    @Test(arguments: [
        (
            "create deploy d1 --image=nginx --replicas=2 --port=80",
            "6b3873000a150a07617070732f7631120a4465706c6f796d656e7412b5010a1e0a02643112001a017822002a003200380042005a090a03"
                + "617070120264311284010802120b0a090a03617070120264311a6b0a1b0a0012001a0022002a003200380042005a090a03617070120264"
                + "31124c122e0a056e67696e7812056e67696e782a00320a0a001000185022002a0042006a007200800100880100900100a201001a003200"
                + "42004a0052005800600068008201008a01009a0100c2010022020a00280038001a0c0800100018002000280038001a002200",
            #"{"kind":"Deployment","apiVersion":"apps/v1","metadata":{"name":"d1","namespace":"x","creationTimestamp":null,"labels":{"app":"d1"}},"spec":{"replicas":2,"selector":{"matchLabels":{"app":"d1"}},"template":{"metadata":{"creationTimestamp":null,"labels":{"app":"d1"}},"spec":{"containers":[{"name":"nginx","image":"nginx","ports":[{"containerPort":80}],"resources":{}}]}},"strategy":{}},"status":{}}"#
        ),
        (
            "create configmap c --from-literal=a=b --from-literal=e=",
            "6b3873000a0f0a0276311209436f6e6669674d617012230a120a016312001a017822002a0032003800420012060a016112016212050a01"
                + "6512001a002200",
            #"{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"c","namespace":"x","creationTimestamp":null},"data":{"a":"b","e":""}}"#
        ),
        (
            "create secret generic s --from-literal=p=geheim",
            "6b3873000a0c0a027631120653656372657412230a120a017312001a017822002a00320038004200120b0a0170120667656865696d1a00"
                + "1a002200",
            #"{"kind":"Secret","apiVersion":"v1","metadata":{"name":"s","namespace":"x","creationTimestamp":null},"data":{"p":"Z2VoZWlt"}}"#
        ),
        (
            "create namespace n",
            "6b3873000a0f0a02763112094e616d65737061636512190a110a016e12001a0022002a0032003800420012001a020a001a002200",
            #"{"kind":"Namespace","apiVersion":"v1","metadata":{"name":"n","creationTimestamp":null},"spec":{},"status":{}}"#
        ),
        (
            "create service nodeport web --tcp=80:8080 --node-port=30080",
            "6b3873000a0d0a027631120753657276696365126b0a200a0377656212001a017822002a003200380042005a0a0a036170701203776562"
                + "12430a1d0a0738302d38303830120354435018502207080010903f1a002880eb01120a0a0361707012037765621a0022084e6f6465506f"
                + "72743a00420052005a00600068001a020a001a002200",
            #"{"kind":"Service","apiVersion":"v1","metadata":{"name":"web","namespace":"x","creationTimestamp":null,"labels":{"app":"web"}},"spec":{"ports":[{"name":"80-8080","protocol":"TCP","port":80,"targetPort":8080,"nodePort":30080}],"selector":{"app":"web"},"type":"NodePort"},"status":{"loadBalancer":{}}}"#
        ),
        (
            "create service clusterip headless --clusterip=None --tcp=5678:http",
            "6b3873000a0d0a0276311207536572766963651283010a2a0a08686561646c65737312001a017822002a003200380042005a0f0a036170"
                + "701208686561646c65737312510a210a09353637382d68747470120354435018ae2c220a080110001a04687474702800120f0a03617070"
                + "1208686561646c6573731a044e6f6e652209436c757374657249503a00420052005a00600068001a020a001a002200",
            #"{"kind":"Service","apiVersion":"v1","metadata":{"name":"headless","namespace":"x","creationTimestamp":null,"labels":{"app":"headless"}},"spec":{"ports":[{"name":"5678-http","protocol":"TCP","port":5678,"targetPort":"http"}],"selector":{"app":"headless"},"clusterIP":"None","type":"ClusterIP"},"status":{"loadBalancer":{}}}"#
        ),
    ])
    func `mean what kubectl prints`(command: String, hexadecimal: String, json: String) throws {
        let value = try Protobuf.decode(bytes(hexadecimal))
        var expected = try JSON.parse(text: json)
        expected["status"] = nil
        #expect(withoutZeros(value) == withoutZeros(expected), "\(command): \(JSON.text(value))")
    }

    @Test func `empty strings and times are left out, empty messages and zeros stay`() throws {
        let schema = ProtobufSchema(
            "M 1 name 2 at:T 3 inner:N 4 n:i 5 flag:B 6 all:[s] 7 map:{b} 8 ^inline:N 9 exact:U 10 raw:R 11 numbers:[i] N 1 x")
        let body: [UInt8] = [
            0x0A, 0, 0x12, 0, 0x1A, 0, 0x20, 0, 0x28, 0, 0x32, 0, 0x32, 1, 0x61, 0x3A, 7, 0x0A, 1, 0x6B, 0x12, 2, 1, 2, 0x42, 3, 0x0A, 1,
            0x79,
            0x4A, 8, 0x08, 0x80, 0x8C, 0x8D, 0x9E, 0x06, 0x10, 0x00, 0x52, 5, 0x0A, 3, 0x5B, 0x31, 0x5D, 0x5A, 3, 1, 0x96, 0x01, 0x98, 0x06,
            1,
        ]
        let value = try Protobuf.decode(body[...], message: "M", schema: schema)
        #expect(
            JSON.text(value)
                == #"{"inner":{},"n":0,"flag":false,"all":["","a"],"map":{"k":"AQI="},"x":"y","exact":"2023-01-15T00:17:04.000000Z","raw":[1],"numbers":[1,150]}"#
        )
    }

    @Test func `a body that ends early or is garbled is an error, never a crash`() throws {
        let body = bytes(
            "6b3873000a0f0a0276311209436f6e6669674d617012230a120a016312001a017822002a0032003800420012060a016112016212050a016512001a002200")
        for length in 0..<body.count { _ = try? Protobuf.decode(Array(body[..<length])) }
        for index in body.indices {
            for change in [0x01, 0x07, 0x80, 0xFF] as [UInt8] {
                var garbled = body
                garbled[index] ^= change
                _ = try? Protobuf.decode(garbled)
            }
        }
        let error = #expect(throws: ProtobufError.self) { try Protobuf.decode(Array("{}".utf8)) }
        #expect(error?.message == "it does not begin with \"k8s\" and a zero byte")
    }

    @Test func `a kind that is not in the table is named`() {
        let error = #expect(throws: ProtobufError.self) {
            try Protobuf.decode(
                Protobuf.magic + [0x0A, 0x0B, 0x0A, 0x02, 0x76, 0x31, 0x12, 0x05, 0x46, 0x72, 0x6F, 0x62, 0x73, 0x12, 0x00])
        }
        #expect(error?.message == "Frobs in version \"v1\" is not read as protobuf here; send JSON")
    }

    private func bytes(_ hexadecimal: String) -> [UInt8] {
        let digits = Array(hexadecimal.utf8)
        return stride(from: 0, to: digits.count, by: 2).compactMap {
            UInt8(String(decoding: digits[$0...$0 + 1], as: UTF8.self), radix: 16)
        }
    }

    private func withoutZeros(_ value: Value) -> Value {
        switch value {
        case .object(let object):
            .object(Object(object.entries.filter { ![.null, 0, false].contains($0.value) }.map { ($0.key, withoutZeros($0.value)) }))
        case .array(let array): .array(array.map(withoutZeros))
        default: value
        }
    }
}

@Suite struct `Text in base64` {
    @Test(arguments: [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("foobar", "Zm9vYmFy")])
    func `goes both ways as RFC 4648 shows`(plain: String, encoded: String) {
        #expect(Base64.encode(Array(plain.utf8)) == encoded)
        #expect(Base64.decode(encoded) == Array(plain.utf8))
    }

    @Test(arguments: ["Zg", "Zg=", "Z===", "====", "Zg==Zg==", "Zm9*", "Zm9v=", "=Zg="])
    func `refuses what is not padded or not in the alphabet`(text: String) {
        #expect(Base64.decode(text) == nil)
    }
}

@Suite struct `Times of protobuf` {
    @Test(
        arguments: [
            (0, nil, "1970-01-01T00:00:00Z"), (951_782_400, nil, "2000-02-29T00:00:00Z"),
            (1_700_000_000, 42, "2023-11-14T22:13:20.000042Z"),
            (-1, nil, "1969-12-31T23:59:59Z"), (253_402_300_799, nil, "9999-12-31T23:59:59Z"),
            (-62_135_596_800, nil, "0001-01-01T00:00:00Z"),
        ] as [(Int64, Int64?, String)])
    func `are written as RFC 3339`(seconds: Int64, microseconds: Int64?, text: String) {
        #expect(CivilTime.text(secondsSince1970: seconds, microseconds: microseconds) == text)
    }
}
