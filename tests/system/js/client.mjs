// A practitioner with matrix-js-sdk, which Element is made of: does what it is told on stdin, one JSON object
// a line, and answers each on stdout with its number. What the SDK itself has to say goes to stderr.
import { webcrypto } from "node:crypto";
import { createInterface } from "node:readline";
import { ClientEvent, createClient, EventType, MsgType, SyncState } from "matrix-js-sdk";
import { logger } from "matrix-js-sdk/lib/logger.js";

globalThis.crypto ??= webcrypto; // Node 18 has it, but not there
const PATIENCE_MS = 30_000;
const [url, user, password] = process.argv.slice(2);
for (const level of ["trace", "debug", "info", "log"]) logger[level] = () => {};

/** Wait until something is found; whatever the client is told meanwhile is a reason to look again. */
async function until(find, what) {
    const end = Date.now() + PATIENCE_MS;
    while (Date.now() < end) {
        const found = find();
        if (found) return found;
        await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`${user} waited in vain for ${what}`);
}

function shown(event) {
    return { event_id: event.getId(), sender: event.getSender(), content: event.getContent() };
}

function timeline(client, roomId) {
    return client.getRoom(roomId)?.getLiveTimeline().getEvents() ?? [];
}

const orders = {
    /** Rooms that one is in, as a client lists them. */
    rooms: (client) =>
        client.getRooms().filter((room) => room.getMyMembership() === "join").map((room) => ({
            room_id: room.roomId,
            name: room.name,
            space: room.isSpaceRoom(),
            unread: room.getUnreadNotificationCount(),
            children: room.currentState.getStateEvents(EventType.SpaceChild).map((event) => event.getStateKey()),
        })),
    /** Go into a room, by alias, as when a link is touched. */
    join: async (client, { alias }) => {
        const { roomId } = await client.joinRoom(alias);
        await until(() => client.getRoom(roomId)?.getMyMembership() === "join", alias);
        return { room_id: roomId };
    },
    /** The event of somebody else in a room that has these words. */
    wait: async (client, { room_id: roomId, words }) =>
        shown(
            await until(
                () =>
                    timeline(client, roomId).find(
                        (event) =>
                            event.getSender() !== client.getUserId() && event.getContent().body?.includes(words),
                    ),
                words,
            ),
        ),
    say: async (client, { room_id: roomId, text }) => {
        const sent = await client.sendEvent(roomId, EventType.RoomMessage, { msgtype: MsgType.Text, body: text });
        return { event_id: sent.event_id };
    },
    /** What the client lets its user do here: whether there is a field to write in, and with which power. */
    powers: (client, { room_id: roomId }) => {
        const room = client.getRoom(roomId);
        const member = room?.getMember(client.getUserId());
        return {
            membership: room?.getMyMembership() ?? "leave",
            may_write: room?.maySendMessage() ?? false,
            level: member?.powerLevel ?? 0,
        };
    },
    /** Wait until one is no longer in a room. */
    out: async (client, { room_id: roomId }) => {
        await until(() => client.getRoom(roomId)?.getMyMembership() !== "join", "being out");
        return {};
    },
    /** What the client was shown of a room. */
    seen: (client, { room_id: roomId }) => timeline(client, roomId).map(shown),
    /** Read a room from the homeserver, from its end. */
    read: async (client, { room_id: roomId }) => {
        const page = await client.createMessagesRequest(roomId, null, 50, "b");
        return page.chunk.map((event) => event.content?.body ?? "");
    },
};

const client = createClient({ baseUrl: url });
await client.loginRequest({ type: "m.login.password", identifier: { type: "m.id.user", user }, password }).then(
    ({ access_token: token, user_id: userId, device_id: deviceId }) => {
        client.http.opts.accessToken = token;
        client.credentials = { userId };
        client.deviceId = deviceId;
    },
);
let synced = false;
client.on(ClientEvent.Sync, (state) => {
    synced ||= state === SyncState.Prepared;
});
await client.startClient({ initialSyncLimit: 50 });
await until(() => synced, "the first sync");
console.log(JSON.stringify({ id: 0 }));

for await (const line of createInterface({ input: process.stdin })) {
    const order = JSON.parse(line);
    try {
        console.log(JSON.stringify({ id: order.id, is: await orders[order.do](client, order) }));
    } catch (error) {
        console.log(JSON.stringify({ id: order.id, error: error.errcode ?? String(error) }));
    }
}
client.stopClient();
process.exit(0);
