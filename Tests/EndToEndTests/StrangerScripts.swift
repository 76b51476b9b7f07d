/// What another user of the machine tries, in Python: nothing of the program under test takes part.
enum StrangerScripts {
    /// Listens at a pod's address and answers whoever comes.
    static let impostor = """
        import signal, socket, sys
        # Whoever starts it may have signals blocked: it must end when it is told to, and by itself where nobody tells it.
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        server = socket.create_server((sys.argv[1], 8080))
        server.settimeout(60)
        print("listens")
        while True:
            connection, _ = server.accept()
            print("taken")
            connection.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 4\\r\\n\\r\\nevil")
        """

    /// Asks the API at an address in every way that hides who asks; prints the statuses that it was answered with.
    static let ask = """
        import json, socket, struct, sys, threading
        host, port = sys.argv[1].rsplit(":", 1)
        seen = set()
        def connect():
            s = socket.create_connection((host, int(port)), timeout=10)
            return s
        def head(method, path, body=b""):
            return (f"{method} {path} HTTP/1.1\\r\\nHost: {sys.argv[1]}\\r\\nContent-Type: application/json\\r\\n"
                    f"Content-Length: {len(body)}\\r\\n\\r\\n").encode() + body
        def namespace(name):
            return head("POST", "/api/v1/namespaces", json.dumps(
                {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "stolen-" + name}}).encode())
        def answer(s):
            try:
                text = s.recv(65536)
                if text: seen.add(text.split()[1].decode())
            except OSError: pass
            s.close()
        for path in ["/api/v1/secrets", "/version", "/metrics", "/openapi/v2", "/apis", "/healthz"]:
            s = connect(); s.sendall(head("GET", path)); answer(s)
        s = connect()
        for byte in head("GET", "/api/v1/secrets"):
            try: s.sendall(bytes([byte]))
            except OSError: break
        answer(s)
        def hurry(worker):
            for turn in range(60):
                try:
                    s = connect()
                    s.sendall(namespace(f"{worker}-{turn}"))
                    if turn % 3 == 0: s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    if turn % 3 == 1: s.shutdown(socket.SHUT_WR)
                    s.close()
                except OSError: pass
        workers = [threading.Thread(target=hurry, args=(n,)) for n in range(8)]
        for w in workers: w.start()
        for w in workers: w.join()
        print(*sorted(seen))
        """

    /// Tries to read, write, list and connect to every path that a file names; prints what it could.
    static let touch = """
        import os, socket, stat, sys
        for path in open(sys.argv[1]).read().split("\\n"):
            def may(what, action):
                try: action()
                except OSError: return
                print(what, path)
            try: mode = os.lstat(path).st_mode
            except OSError: mode = 0
            if stat.S_ISDIR(mode):
                may("list", lambda: os.listdir(path))
                may("make", lambda: os.close(os.open(path + "/stranger", os.O_CREAT | os.O_WRONLY)))
                continue
            may("read", lambda: os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK)))
            may("write", lambda: os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK)))
            for kind in [socket.SOCK_STREAM, socket.SOCK_SEQPACKET, socket.SOCK_DGRAM]:
                may("connect", lambda: socket.socket(socket.AF_UNIX, kind).connect(path))
        """

    /// Sends what pages of other origins can make a browser send, each time a POST that would make a namespace, without a Content-Type; last what the
    /// owner's own tool sends. Prints the statuses.
    static let page = """
        import http.client, json, sys
        address = sys.argv[1]
        def post(name, headers):
            c = http.client.HTTPConnection(address, timeout=20)
            body = json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
            c.putrequest("POST", "/api/v1/namespaces", skip_host=True)
            for key, value in ({"Host": address, "Content-Length": str(len(body))} | headers).items(): c.putheader(key, value)
            c.endheaders(body.encode())
            return c.getresponse().status
        print(
            post("stolen-1", {"Origin": "http://evil.example"}), post("stolen-2", {"Origin": "null"}),
            post("stolen-3", {"Sec-Fetch-Site": "cross-site"}), post("stolen-4", {"Host": "rebound.example"}),
            post("stolen-5", {"Origin": "http://localhost:1"}), post("own", {}))
        """
}
