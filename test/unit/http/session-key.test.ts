import { describe, expect, it } from "vitest";
import type { ChatRequest } from "../../../src/core/chat-request.ts";
import { createIdMinter } from "../../../src/core/ids.ts";
import { sessionKey } from "../../../src/http/session-key.ts";
import { keyedName } from "../../../src/turn/session-name.ts";

const ids = await createIdMinter("a secret of more than thirty-two characters");
const keyOf = (headers: Record<string, string>, request: Partial<ChatRequest> = {}) =>
  sessionKey(new Headers(headers), request as ChatRequest, "acme", ids);

describe("sessionKey", () => {
  it("finds none where none was sent", async () => {
    expect(await keyOf({})).toBeUndefined();
    expect(await keyOf({ "x-session-id": "  " })).toBeUndefined();
  });

  it("takes headers before the body, and our own header before the others", async () => {
    const body = { promptCacheKey: "p", conversation: "c", metadataUserId: "m" };
    const headers = { session_id: "4", "x-session-affinity": "3", "x-session-id": "2" };
    expect(await keyOf({ ...headers, "phaseway-session": "1" }, body)).toEqual({ key: "1" });
    expect(await keyOf(headers, body)).toEqual({ key: "2" });
    expect(await keyOf({}, body)).toEqual({ key: "p" });
    expect(await keyOf({}, { conversation: "c", metadataUserId: "m" })).toEqual({ key: "c" });
  });

  it("knows the ids it minted for this tenant, of any branch, and takes all others for keys", async () => {
    const name = await keyedName("acme", "mine");
    const id = await ids.mint("ses", name);
    const receipt = await ids.mint("rct", name);
    const foreign = await ids.mint("ses", await keyedName("rival", "mine"));
    expect(await keyOf({ "phaseway-session": id })).toEqual({ key: id, name });
    expect(await keyOf({ "phaseway-session": `${id}.2` })).toMatchObject({ name });
    for (const other of [receipt, foreign, `${id}0`, "ses_abc"]) {
      expect(await keyOf({ "phaseway-session": other })).toEqual({ key: other });
    }
  });

  it("keeps long keys that differ at their ends apart", async () => {
    const long = "k".repeat(2000);
    expect(await keyOf({}, { promptCacheKey: `${long}a` })).toEqual({ key: `${long}a` });
  });
});
