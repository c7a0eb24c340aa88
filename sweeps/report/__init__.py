"""What a study has shown, as facts for people: tables of its knobs, a review, a comparison with others."""
