"""What is written in the scenes: words of a list, made-up ones, and numbers. All in capitals: letters are tokens."""

from random import Random

from .splits import Split

WORDS = """ACT AGE AIR ANT ARM ART BAG BED BEE BIG BOX BOY BUS CAB CAP CAR CAT COW CUP DAY DOG EAR EGG EYE FAN FLY FOX
FUN GAS GUM HAT HEN ICE INK JAM JAR JET JOB KEY KID KIT LEG LIP LOG MAP MIX MUD NET NUT OAK OIL OWL PAN PEN PIE PIG
RAT RED ROW SEA SKY SUN TAX TEA TOY VAN WAX WEB YES ZIP ZOO BABY BACK BAKE BALL BANK BARN BATH BEAR BELL BIRD BLUE
BOAT BOOK CAKE CARD CAVE CITY CLAY COAT CORN DARK DEER DESK DOOR DUCK EXIT FACE FARM FIRE FISH FLAG FOOD FROG GAME
GATE GIFT GOAT GOLD HAIR HAND HOME JAZZ JUMP KING KITE LAKE LAMP LEAF LION MAIL MILK MOON NEST OPEN OVEN PARK PINK
QUIZ RAIN RICE ROAD ROCK SAND SHIP SHOP SNOW SOAP STAR STOP TAXI TREE WAVE WIND WOLF YARD ZERO ZONE APPLE BEACH BREAD
CHAIR CLOCK CLOUD DRIVE EAGLE FRUIT GRAPE GREEN HORSE HOTEL HOUSE JUICE KNIFE LEMON LIGHT MAGIC MONEY MOUSE MUSIC
OCEAN PAPER PIANO PLANT QUEEN RADIO RIVER ROBOT SALAD SHEEP SUGAR TABLE TIGER TRAIN VIDEO WATER WHALE ZEBRA BRIDGE
CASTLE COFFEE DRAGON FLOWER GARDEN GUITAR ISLAND JACKET KITTEN MARKET ORANGE PLANET RABBIT SCHOOL SILVER TICKET VALLEY
WINDOW YELLOW""".split()
HELD_OUT_WORDS = 5  # every fifth
VOWELS, CONSONANTS = "AEIOU", "BCDFGHJKLMNPQRSTVWXYZ"


def draw_word(generator: Random, split: Split) -> str:
    if generator.random() < 0.5:
        return generator.choice([word for index, word in enumerate(WORDS)
                                 if (index % HELD_OUT_WORDS == 0) == split.is_held_out])
    start = generator.randrange(2)
    return "".join(generator.choice(VOWELS if (start + place) % 2 else CONSONANTS)
                   for place in range(generator.randint(3, 5)))


def draw_number(generator: Random) -> str:
    length = generator.randint(2, 4)
    return str(generator.randrange(10 ** (length - 1), 10 ** length))
