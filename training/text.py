"""The text that the small vocabularies are trained on."""

SUBJECTS = ["a dog", "two cats", "the red car", "a tall building", "the small child", "an old man",
            "a woman with an umbrella", "the train", "a plate of food", "some people", "the street sign", "a bird"]
ACTIONS = ["is standing in", "is looking at", "is running across", "can be seen near", "is sitting on",
           "was left beside", "is waiting for", "is shown behind", "has stopped in front of"]
PLACES = ["the green field", "a wooden table", "the busy road", "the river", "an open window", "a white wall",
          "the kitchen", "the station", "a blue boat", "the beach", "the mountain"]
QUESTIONS = ["What is shown in this image?", "How many people are there?", "What colour is the car?",
             "Is there a dog in the picture?", "Where is the man looking?", "What does the sign say?",
             "Describe the image in detail.", "Which animal is closest to the camera?",
             "Answer the question using a single word or phrase.", "Provide a one-sentence caption."]
DIALOGUE = ["A chat between a curious human and an artificial intelligence assistant.",
            "The assistant gives helpful, detailed, and polite answers to the human's questions.",
            "USER: What is this? ASSISTANT: It is a photograph.", "[INST] What is this? [/INST]",
            "You are a helpful assistant.", "system user assistant", "0 1 2 3 4 5 6 7 8 9 10 20 50 100 1999 2026"]


def sentences() -> list[str]:
    made = [f"{subject.capitalize()} {action} {place}."
            for subject in SUBJECTS for action in ACTIONS for place in PLACES]
    return made + (QUESTIONS + DIALOGUE) * 20
