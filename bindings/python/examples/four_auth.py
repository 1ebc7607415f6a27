"""4Auth's own flow: register, log in, replace the password. usage: ADDRESS PIN MAC FACE AGAIN"""
import sys
import fourauth

address, pin, mac, face, again = sys.argv[1:]
with fourauth.Client(address, pin=pin) as server:
    secret, password = input("administrator's secret: "), input("password: ")
    added = server.register(secret, "alice", password, faces=[face], mac=mac)
    if not added:
        sys.exit(added.message)
    print("scan this:", added.provisioning_uri)

    login = server.login("alice", password, input("code: "), faces=[again], mac=mac)
    if login:
        print("logged in until", login.expires_at)
    else:
        print(login.message, login.code, login.retry_after)

    password = input("new password: ")
    print(server.recover_password("alice", password, input("code: "), faces=[again], mac=mac).message)
