import { describe, expect, it } from "vitest";
import { createIdMinter } from "../../../src/core/ids.ts";

const payload = "0123456789abcdef01234567";

describe("createIdMinter", () => {
  it("reads what it minted", async () => {
    const ids = await createIdMinter("secret");
    const id = await ids.mint("ses", payload);
    expect(id).toMatch(/^ses_[0-9a-f]+$/);
    expect(await ids.read(id)).toEqual({ kind: "ses", payload });
  });

  it("mints the same id for the same name", async () => {
    const [one, other] = [await createIdMinter("secret"), await createIdMinter("secret")];
    expect(await one.mint("rct", payload)).toBe(await other.mint("rct", payload));
  });

  it("reads no id of another secret, kind or payload", async () => {
    const ids = await createIdMinter("secret");
    const id = await ids.mint("ses", payload);
    const last = id.at(-1) === "0" ? "1" : "0";
    const foreign = await (await createIdMinter("other")).mint("ses", payload);
    const forged = [
      foreign,
      id.replace("ses", "rct"),
      id.slice(0, -1) + last,
      id.replace("0123", "0124"),
    ];
    expect(await Promise.all(forged.map((text) => ids.read(text)))).toEqual(
      forged.map(() => undefined),
    );
  });

  it.each(["", "ses_", "ses_1", "ses_0123456789", "user-7", `ses_${"a".repeat(1000)}`])(
    "reads nothing in `%s`",
    async (text) => {
      expect(await (await createIdMinter("secret")).read(text)).toBeUndefined();
    },
  );
});
