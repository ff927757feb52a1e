import { describe, expect, it } from "vitest";
import { mediaOf } from "../../../src/core/media.ts";

const image = (url: string, more: object = {}) => ({
  type: "image_url",
  image_url: { url, ...more },
});
const keyOf = (part: unknown) => mediaOf(part)?.key;

describe("mediaOf", () => {
  it.each([
    [image("https://a.example/1.png"), "image_url"],
    [{ type: "image_url", image_url: "https://a.example/1.png" }, "image_url"],
    [{ image_url: "https://a.example/1.png" }, "image_url"],
    [{ type: "input_image", image_url: "https://a.example/1.png" }, "input_image"],
    [{ type: "image_embeds", image_embeds: "AAAA" }, "image_embeds"],
    [{ type: "input_audio", input_audio: { data: "UklG", format: "wav" } }, "input_audio"],
    [{ type: "audio_url", audio_url: { url: "https://a.example/1.mp3" } }, "audio_url"],
    [{ type: "video_url", video_url: { url: "https://a.example/1.mp4" } }, "video_url"],
    [{ type: "file", file: { file_data: "JVBE", filename: "a.pdf" } }, "file"],
  ])("knows media by its type, or by its only content: %j", (part, type) => {
    expect(mediaOf(part)).toEqual({ type, key: expect.stringMatching(/^[0-9a-f]{16}$/) });
  });

  it.each([
    [{ type: "text", text: "data:image/png;base64,AAAA" }],
    [{ type: "refusal", image_url: "https://a.example/1.png" }],
    ["image_url"],
    [null],
    [["image_url"]],
  ])("takes nothing else for media: %j", (part) => {
    expect(mediaOf(part)).toBeUndefined();
  });

  it("names data by its bytes, whatever its URL calls it", () => {
    const bytes = "iVBORw0KGgo".repeat(1000);
    const png = keyOf(image(`data:image/png;base64,${bytes}`));
    expect(keyOf(image(`data:image/jpeg;base64,${bytes}`))).toBe(png);
    expect(keyOf(image(`data:image/png;base64,${bytes}A`))).not.toBe(png);
    expect(keyOf(image(`data:image/png;base64,B${bytes}`))).not.toBe(png);
  });

  it("names what is elsewhere by its URL", () => {
    const one = keyOf(image("https://a.example/1.png"));
    expect(keyOf(image("https://a.example/1.png"))).toBe(one);
    expect(keyOf(image("https://a.example/2.png"))).not.toBe(one);
    expect(keyOf(image(`https://a.example/1.png?${"x".repeat(9999)}`))).not.toBe(one);
  });

  it("tells apart what engines would read differently", () => {
    const url = "https://a.example/1.png";
    expect(keyOf(image(url, { detail: "low" }))).not.toBe(keyOf(image(url, { detail: "high" })));
  });

  it("takes at most some milliseconds for megabytes", () => {
    const part = image(`data:image/png;base64,${"iVBORw0KGgo".repeat(400_000)}`);
    mediaOf(part);
    const start = performance.now();
    mediaOf(part);
    expect(performance.now() - start).toBeLessThan(50);
  });
});
