import { describe, expect, it } from "vitest";
import { redact } from "../../../src/region/redact.ts";

const secrets = ["http://10.0.0.7:8000/v", "10.0.0.7:8000", "sk-1"];
const bytes = (text: string) => new TextEncoder().encode(text);

describe("redact", () => {
  it("takes secrets out of message and body", () => {
    const body = bytes('{"error":"http://10.0.0.7:8000/v/x sk-1 sk-1"}');
    const failure = redact({ kind: "caller", message: "to 10.0.0.7:8000", body }, secrets);
    expect(failure.message).toBe("to [redacted]");
    expect(new TextDecoder().decode(failure.body)).toBe(
      '{"error":"[redacted]/x [redacted] [redacted]"}',
    );
  });

  it("leaves the bytes of a body that names none as they are, even such as are no text", () => {
    const body = Uint8Array.of(0xff, 0xfe, 0x00);
    expect(redact({ kind: "status", message: "m", body }, secrets).body).toBe(body);
  });

  it("adds no body where there was none", () => {
    expect(redact({ kind: "status", message: "m" }, secrets)).toEqual({
      kind: "status",
      message: "m",
    });
  });
});
