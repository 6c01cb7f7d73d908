require "net/http"
require "json"
API, ID = ENV["API"], ENV["ID"]
raise "no credential" unless JSON.parse(Net::HTTP.get(URI("#{API}/whoami")))["sub"] == "key-holder"
held = URI("#{API}/held?id=#{ID}")
text = +""
Net::HTTP.start(held.host, held.port, use_ssl: true) do |http|
  http.request_get(held.request_uri) do |answer|
    answer.read_body do |piece|
      text << piece
      Net::HTTP.get(URI("#{API}/release?id=#{ID}")) if text == "data: first\n\n"
    end
  end
end
raise text unless text.include?("data: last")
exit 7
