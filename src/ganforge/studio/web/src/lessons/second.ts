/** Lessons 7 to 13: how it fails, and what modern losses do about it. */

import { type Lesson, playedIn } from "./lesson";

export const SECOND: readonly Lesson[] = [
  {
    ...playedIn("two-words"),
    title: "Two losses, one goal",
    text: [
      "‘Lower the chance of being caught’ and ‘raise the chance of being believed’ sound alike. The first is the original " +
        "loss, log(1 − D). The second is the non-saturating one, −log D. Both want the same thing in the end.",
    ],
    question: "The discriminator learns ten times as fast here. Which generator keeps a gradient when it is losing badly?",
    choices: ["The original, log(1 − D)", "The non-saturating one, −log D", "Neither", "Both alike"],
    right: 1,
    answer: "The non-saturating one. Where D is near 0, log(1 − D) is flat, but −log D is at its steepest: the worse one is, the " +
      "stronger the push.",
    look: [
      "The generator’s gradient norm in the two charts at the bottom: on the right it is several times as large from the first " +
        "hundreds of rounds on.",
      "Both stop at round 1,200. On the right more heaps were visited, and the Jensen–Shannon divergence from the data is smaller.",
    ],
  },
  {
    ...playedIn("collapse"),
    title: "All notes the same",
    text: [
      "The inspector looks at one note at a time. A forger who has found one note that passes may print that one and nothing " +
        "else. This is mode collapse. Here the forger learns a hundred times as fast as the inspector.",
    ],
    question: "When the inspector has learned to catch the one note, what does the forger do?",
    choices: ["It learns all eight heaps", "It moves on to another single note", "It gives up"],
    right: 1,
    answer: "It moves on to another one, and round and round it goes. Nothing in the game as it stands rewards variety; the " +
      "inspector would have to remember.",
    look: [
      "The orange points run about together, also off the picture, and ‘modes covered’ hardly ever passes 1.",
      "The findings name it within half a minute: mode collapse while the points stay together, oscillation when they have moved " +
        "on often enough.",
      "Look into ‘What goes wrong’ for this failure with its remedy beside it.",
    ],
  },
  {
    ...playedIn("balance"),
    title: "The balance",
    text: [
      "Nobody needs to win. Watch two shares: how many reals are called real, and how many fakes are called generated. If both " +
        "are near 100 %, the inspector wins. If the inspector is useless, the forger gets no advice worth having.",
    ],
    question: "Here the discriminator hardly learns (its rate is 0.00000001). What becomes of the generator?",
    choices: ["It wins, and makes perfect points", "It follows bad advice, and goes anywhere", "It stays where it began"],
    right: 1,
    answer: "It follows bad advice. Pleasing an inspector who knows nothing is easy, and worth nothing. A low loss of the " +
      "generator is no sign of quality.",
    look: [
      "Left: the points gather where this discriminator happens to say ‘real’, far from the ring, and the generator’s loss " +
        "looks better than on the right.",
      "Right: both losses stay about level, and the points find the ring, heap by heap.",
      "The findings on the left end with failures (the discriminator is too weak); on the right there is work left, and no failure.",
    ],
  },
  {
    ...playedIn("critic"),
    title: "A critic without limits",
    text: [
      "A Wasserstein critic does not answer with a probability. It gives marks: high for reals, low for fakes, and what counts is " +
        "the difference. That difference is a distance between the two piles, if the critic’s slope is held to 1.",
    ],
    question: "What happens if nothing holds its slope?",
    choices: ["Nothing much", "Its marks swing ever wider, and say nothing of the distance", "It becomes an ordinary discriminator"],
    right: 1,
    answer: "Its marks swing ever wider: twice the marks is twice the difference, without being any wiser. The penalty fixes the " +
      "scale, and the difference means something again.",
    look: [
      "In ‘Logits’ the lines are marks, not probabilities. On the left they run into the thousands; on the right they keep their " +
        "scale. Their level may wander and means nothing; the gap between reals and fakes is what counts.",
      "The gradient norms of both players: on the left they grow without end, on the right they stay small.",
      "The points move much alike at first: the optimiser takes steps of like size whatever the scale. The numbers on the left " +
        "tell nothing of how far they have come, and those on the right do.",
    ],
  },
  {
    ...playedIn("penalty"),
    title: "A smooth opinion",
    text: [
      "A generator can only follow an opinion that has a slope it can trust. A penalty on the discriminator’s gradient (R1 at " +
        "real points, R2 at fakes) asks it to be no steeper than it must.",
    ],
    question: "What will the penalty do to the heat map?",
    choices: ["Sharper edges", "Softer slopes between green and orange", "Only green remains"],
    right: 1,
    answer: "Softer slopes. The inspector stays unsure near the real points, which is just where it should be unsure once the " +
      "forger has become good.",
    look: [
      "Compare the colours of the two planes at round 3,000: hard edges on the left, soft slopes on the right.",
      "The generator’s gradient norm on the left grows to many times that on the right.",
      "The price is speed: the points on the right move more slowly. Change the weight in the settings while it runs, and see " +
        "what too much does: all colour goes.",
    ],
  },
  {
    ...playedIn("modern"),
    title: "Modern losses",
    text: [
      "Today’s recipe compares in pairs: is this real one more real than that fake one? With such a relativistic loss, no heap " +
        "can be left out without a price, for each fake is judged beside real ones. R1 and R2 keep the judgement smooth, noise " +
        "that fades away makes the heaps easy to find at first, and the rates fall towards the end.",
    ],
    question: "Twenty-five heaps, as many rounds for each. Which game finds more of them?",
    choices: ["The textbook’s", "The modern one", "Both find all twenty-five"],
    right: 1,
    answer: "The modern one. At round 3,000, where both stop, it has found all twenty-five or nearly so, and about half of its " +
      "samples are good; the textbook’s game has a handful. It is what gan train takes for points by itself.",
    look: [
      "‘Modes covered’ and ‘good samples’ above the two lists of findings, at round 3,000 of both. The modern game’s rounds take " +
        "longer, so that it arrives later.",
      "At first the modern game looks blurred: that is the noise. Scrub back on the timelines to see it fade.",
    ],
  },
  {
    ...playedIn("fifty-lines"),
    title: "The fifty lines, then and now",
    text: [
      "Many people met this game as fifty lines of code: noise between −1 and 1, two small networks, and a bell curve that the " +
        "generator never sees. On the left is that game with its own objective, minimax. On the right are the same two players, " +
        "a little wider, with a relativistic loss, R1 and R2, and rates that fall.",
    ],
    question: "Both discriminators end near one half. Does the left generator make a bell?",
    choices: ["Yes: one half means that nothing can be told", "No: a box with horns, which goes on moving", "No: a single spike"],
    right: 1,
    answer: "No. The original objective has no rest: the two go round each other, and what comes out is a box with horns. Its " +
      "Jensen–Shannon divergence from the data at round 12,000 is about .15 bits, that of the game on the right below .02. One " +
      "half alone proves nothing: look at the samples too.",
    look: [
      "The orange curve on the left has edges where the bell has tails, and rises at them.",
      "Both stop at round 12,000. The findings on the left say that it is far from the data and that a part of the data is left " +
        "out; those on the right end with ‘equilibrium’.",
    ],
  },
];
