#include "json/parse.hpp"

#include "json/reader.hpp"

namespace claviger::json {

class Document::Recorder final : public Reader::Places {
public:
    explicit Recorder(Document& document) : document_(document) {}
    void root(Position at) override { document_.positions_.assign(1, at); }
    std::uint32_t member(std::uint32_t parent, std::string_view key, Position at) override {
        return add(parent, std::string(key), at);
    }
    std::uint32_t item(std::uint32_t parent, std::size_t index, Position at) override {
        return add(parent, std::to_string(index), at);
    }

private:
    std::uint32_t add(std::uint32_t parent, std::string token, Position at) {
        const auto place = static_cast<std::uint32_t>(document_.positions_.size());
        document_.positions_.push_back(at);
        // Of a key that is there twice the last one counts, as for its value.
        const auto [entry, fresh] = document_.places_.insert_or_assign(Edge{parent, std::move(token)}, place);
        edges_.push_back(&entry->first);
        if (!fresh && document_.repeated_.size() < kMostRepeated) document_.repeated_.push_back({pointer_to(place), at});
        return place;
    }
    [[nodiscard]] std::string pointer_to(std::uint32_t place) const {
        if (place == 0) return {};
        const Edge& edge = *edges_[place];
        return pointer_append(pointer_to(edge.first), edge.second);
    }
    Document& document_;
    std::vector<const Edge*> edges_{nullptr};  // by place; the root has none
};

base::Result<Value> parse(std::string_view text, const ParseOptions& options) {
    return Reader(text, options, nullptr).read();
}

base::Result<Document> Document::parse(std::string_view text, const ParseOptions& options) {
    Document document;
    Recorder recorder(document);
    TRY(root, Reader(text, options, &recorder).read());
    // Built anew rather than assigned: assignment would copy into the default storage, which is not wiped.
    Document result{std::move(root), std::move(document)};
    return result;
}

Position Document::position(std::string_view pointer) const {
    if (positions_.empty()) return {};
    std::uint32_t place = 0;
    while (pointer.starts_with('/')) {
        pointer.remove_prefix(1);
        const auto escaped = pointer.substr(0, pointer.find('/'));
        pointer.remove_prefix(escaped.size());
        std::string token;
        for (std::size_t i = 0; i < escaped.size(); ++i) {
            const bool tilde = escaped[i] == '~' && i + 1 < escaped.size();
            if (tilde && escaped[i + 1] == '0') token += escaped[i++];
            else if (tilde && escaped[i + 1] == '1') token += '/', ++i;
            else token += escaped[i];
        }
        const auto found = places_.find(Edge{place, std::move(token)});
        if (found == places_.end()) break;
        place = found->second;
    }
    return positions_[place];
}

}  // namespace claviger::json
