/** What the server and the browser say to each other, version 1: plain types and nothing else. */

export type * from "../protocol/explore";
export type * from "../protocol/play";
export type * from "../protocol/shared";
export type * from "../protocol/watch";
