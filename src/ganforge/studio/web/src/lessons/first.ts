/** Lessons 1 to 6: what the game is. */

import { type Lesson, playedIn } from "./lesson";

export const FIRST: readonly Lesson[] = [
  {
    ...playedIn("forger"),
    title: "Forger and inspector",
    text: [
      "A forger (the generator) makes notes out of nothing but chance. An inspector (the discriminator) is shown real " +
        "notes and forged ones, and says how sure it is that each is real. The forger never sees a real note: all that " +
        "it learns, it learns from the inspector.",
      "Here a ‘note’ is one number, and real numbers follow a bell curve.",
    ],
    question: "Suppose that the forger becomes perfect. What will a good inspector say to any note?",
    choices: ["‘Real’, always", "‘Forged’, always", "One half: it cannot tell", "Nothing; it stops learning"],
    right: 2,
    answer: "One half. When both curves are the same, each value is as likely to be real as forged, and the best that the " +
      "inspector can do is to toss a coin.",
    look: [
      "The orange curve (what the generator makes) moves over the green one (the data).",
      "The blue curve D(x) settles around the dotted line at ½.",
      "The value of the game goes towards −log 4, about −1.39.",
    ],
  },
  {
    ...playedIn("best-inspector"),
    title: "The best possible inspector",
    text: [
      "If both curves are known, the best inspector can be written down: D*(x) = p_data(x) ÷ (p_data(x) + p_g(x)). It is the " +
        "dashed curve. No training can beat it. Where there are no examples, real or generated, it is nought divided by " +
        "nought: there is nothing to know, and nothing is drawn.",
      "Now the generator hardly moves (its rate is 0.00000001), and only the discriminator learns.",
    ],
    question: "What will D(x), the solid blue curve, come to?",
    choices: ["One half everywhere", "The dashed curve, where it is drawn", "1 wherever there are real values", "It never settles"],
    right: 1,
    answer: "The dashed curve, where it is drawn. There it is trained, and corrected; beyond, it goes on by the shape of its " +
      "curve, and what it says there means nothing. It is not 1 at real values: some generated ones lie there, too.",
    look: [
      "The solid curve bends to the dashed one under the two hills, within a few seconds.",
      "‘Distance of D to D*’ falls below .05, and the value of the game rises: the inspector wins more.",
    ],
  },
  {
    ...playedIn("turns"),
    title: "They take turns",
    text: [
      "One round has eight steps. Noise goes forward through the generator. The discriminator looks at these fakes, whose " +
        "label is 0. It looks at real examples, label 1. What it was wrong by is its loss, whose gradient moves it. Then new " +
        "fakes go through the discriminator as it is now; that gives the generator’s loss, and its gradient goes back through " +
        "the discriminator and moves the generator.",
    ],
    question: "In the generator’s turn, which network changes?",
    choices: ["Both, a little", "Only the generator", "Only the discriminator"],
    right: 1,
    begin: "slow",
    answer: "Only the generator. The gradient runs back through the discriminator, but its weights stand still: it is the ruler, " +
      "and a ruler must not bend while one measures.",
    look: [
      "Press ‘Next step’ and follow the eight steps: the parts of the drawn game light up, with the numbers of this batch.",
      "After ‘The sum updates D’ the blue curve moves; after ‘Back through D to G’ the orange one does.",
    ],
  },
  {
    ...playedIn("randomness"),
    title: "Why randomness",
    text: [
      "A generator is a fixed function: the same input gives the same output. Where its input never changes, it can make one " +
        "thing only. With noise as its input, each draw may become something else.",
    ],
    question: "Without noise, what is the one number that the generator will learn to make, more or less?",
    choices: ["The smallest", "One in the middle, near the average", "The largest", "A new one each time"],
    right: 1,
    answer: "One near the average. Its single point is pushed about, and the best that one point can be is typical. With noise, " +
      "many points share the work, and together they take the shape of the data.",
    look: [
      "Left: the orange spike wanders about the green hill and never becomes a hill. The findings name it: mode " +
        "collapse, for all samples are alike.",
      "Right: the strings at the bottom spread out, the orange curve becomes a hill, and the findings end with ‘equilibrium’.",
    ],
  },
  {
    ...playedIn("arrows"),
    title: "The inspector’s advice",
    text: [
      "Now each example is a point on a plane, and real points lie in eight heaps on a ring. The colours of the plane are the " +
        "discriminator’s opinion: green is ‘real here’, orange is ‘generated here’.",
      "The arrows show where the loss would have each generated point go.",
    ],
    question: "Which way will the arrows point?",
    choices: ["Towards the nearest real point", "Uphill in the discriminator’s opinion, towards green", "Away from other generated points"],
    right: 1,
    answer: "Uphill in the discriminator’s opinion. The generator knows nothing of real points; it follows the inspector, also " +
      "where the inspector is wrong.",
    look: [
      "Stop the game and compare the arrows with the colours under them.",
      "Switch the warped grid on in the legend: it is the plane of noise, bent by the generator.",
    ],
  },
  {
    ...playedIn("too-good"),
    title: "When the inspector is too good",
    text: [
      "It seems best to have a very good inspector. Here it sees fine detail (five octaves of sines) and learns a hundred times " +
        "as fast as the forger, and the forger has the loss of the original paper, log(1 − D(G(z))).",
    ],
    question: "What happens to the generator when the discriminator recognises every fake at once?",
    choices: ["It learns faster, from better advice", "It has little to learn from, and hardly improves", "It becomes perfect at once"],
    right: 1,
    answer: "It has little to learn from. Where D is sure, log(1 − D) is flat, and what is flat has no uphill. The inspector says " +
      "‘no’ and cannot say what would be better.",
    look: [
      "The discriminator’s loss stays near 0, and nearly all pairs are told apart.",
      "The generator’s loss sits near 0 as well: that is as bad as log(1 − D) can get, and the points hardly move.",
      "From about round 3,000 on a finding names it, with the numbers, and offers a remedy: press it.",
    ],
  },
];
