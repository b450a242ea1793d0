/** The parts of the drawn game: their names, and what each is in one sentence. */

export type PartName =
  | "noise" | "generator" | "generated" | "real" | "discriminator" | "verdict"
  | "discriminator_loss" | "generator_loss" | "discriminator_gradient" | "generator_gradient";

export const PARTS: Readonly<Record<PartName, { title: string; words: string }>> = {
  noise: { title: "noise z", words: "Random numbers: each z becomes one sample." },
  generator: { title: "generator G",
    words: "G turns noise into samples. It never sees the data: it learns from the gradient that comes back through D." },
  generated: { title: "fakes", words: "What G makes of the noise as it is now." },
  real: { title: "reals", words: "Examples of the data, which G should learn to resemble." },
  discriminator: { title: "discriminator D",
    words: "D gives each example a logit: the higher, the more it takes it for real." },
  verdict: { title: "D’s probability of ‘real’",
    words: "The mean over reals and over fakes. ½ for both: it cannot tell them apart." },
  discriminator_loss: { title: "D’s loss", words: "How wrong D is on reals and fakes together. D’s step lowers it." },
  generator_loss: { title: "G’s loss", words: "How far the fakes are from being taken for real. G’s step lowers it." },
  discriminator_gradient: { title: "gradient to D",
    words: "From D’s loss back to D’s weights, as a norm. It moves D alone." },
  generator_gradient: { title: "gradient through D to G",
    words: "From G’s loss back through D, which stands still, to G’s weights, as a norm. It moves G alone." },
};
