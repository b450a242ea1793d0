import { FIRST } from "./first";
import { SECOND } from "./second";
import type { Lesson } from "./lesson";

export type { Lesson } from "./lesson";
export const LESSONS: readonly Lesson[] = [...FIRST, ...SECOND];
